// The microphone, the loudspeaker, and how loud each is.

const CONSTRAINTS = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };

export class Sound {
  // The audio of the page, from its first call on.
  constructor() {
    this.context = new AudioContext({ latencyHint: "interactive" });
    this.worklets = this.context.audioWorklet?.addModule("worklet.js");
    this.meters = {};
    this.stream = null;
  }

  async ready() {
    if (this.context.state !== "running") await Promise.race([this.context.resume(), after(500)]);
    return this.context.state === "running";
  }

  async listen(deviceId) {
    // Open a microphone in place of the one before.
    const audio = deviceId ? { ...CONSTRAINTS, deviceId: { exact: deviceId } } : CONSTRAINTS;
    const stream = await navigator.mediaDevices.getUserMedia({ audio });
    this.close();
    this.stream = stream;
    this.source = this.context.createMediaStreamSource(stream);
    this.watch("caller", this.source);
    return stream;
  }

  get track() {
    return this.stream?.getAudioTracks()[0] ?? null;
  }

  watch(side, node) {
    const analyser = this.context.createAnalyser();
    analyser.fftSize = 1024;
    node.connect(analyser);
    this.meters[side] = { analyser, samples: new Float32Array(1024), node };
  }

  level(side) {
    // 0 to 1, over 54 dB.
    const meter = this.meters[side];
    if (!meter) return 0;
    meter.analyser.getFloatTimeDomainData(meter.samples);
    let sum = 0;
    for (const each of meter.samples) sum += each * each;
    const db = 10 * Math.log10(sum / meter.samples.length + 1e-12);
    return Math.max(0, Math.min(1, (db + 60) / 54));
  }

  close() {
    this.source?.disconnect();
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = this.source = null;
    delete this.meters.caller;
  }
}

export async function microphones() {
  const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return devices.filter((each) => each.kind === "audioinput" && each.deviceId && each.label);
}

export function after(ms) {
  return new Promise((done) => setTimeout(done, ms));
}
