// Audio threads of a call over WebSocket: `capture` gives the microphone as 16 kHz PCM, 20 ms at a time;
// `player` plays PCM at 24 kHz through a small buffer, and tells what it has played.

const TAPS = 16; // zero crossings on each side of the windowed sinc

class Resampler {
  // Any rate to any other; holds back TAPS samples of the lower rate.
  constructor(from, to) {
    this.step = from / to;
    this.cutoff = Math.min(1, to / from);
    this.half = Math.ceil(TAPS / this.cutoff);
    this.kept = new Float32Array(this.half);
    this.at = this.half; // of the next sample to give, within kept
  }

  process(samples) {
    const input = new Float32Array(this.kept.length + samples.length);
    input.set(this.kept);
    input.set(samples, this.kept.length);
    const output = [];
    let at = this.at;
    for (; at + this.half < input.length; at += this.step) output.push(this.sample(input, at));
    const drop = Math.max(0, Math.min(input.length, Math.floor(at) - this.half));
    this.kept = input.slice(drop);
    this.at = at - drop;
    return Float32Array.from(output);
  }

  sample(input, at) {
    let sum = 0;
    for (let k = Math.max(0, Math.ceil(at - this.half)); k <= at + this.half; k++) {
      const x = (k - at) * this.cutoff;
      const window = 0.5 + 0.5 * Math.cos((Math.PI * (k - at)) / this.half);
      sum += input[k] * window * (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
    }
    return sum * this.cutoff;
  }
}

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = sampleRate === 16000 ? null : new Resampler(sampleRate, 16000);
    this.frame = new Int16Array(320);
    this.filled = 0;
  }

  process([input]) {
    const samples = input[0] ?? new Float32Array(128);
    for (const each of this.resampler ? this.resampler.process(samples) : samples) {
      this.frame[this.filled++] = Math.max(-1, Math.min(1, each)) * 32767;
      if (this.filled === 320) {
        this.port.postMessage(this.frame.buffer, [this.frame.buffer]);
        this.frame = new Int16Array(320);
        this.filled = 0;
      }
    }
    return true;
  }
}

const AHEAD = 0.06; // seconds that wait before an utterance is begun, for frames that come late
const PATIENCE = 0.1; // after which less than that is played too
const REPORT = 0.1;

class Player extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = sampleRate === 24000 ? null : new Resampler(24000, sampleRate);
    this.clear();
    this.played = this.came = 0; // at 24 kHz, of this connection
    this.quiet = 0;
    this.told = -1;
    this.last = 0;
    this.port.onmessage = ({ data }) => (data === "clear" ? this.drop() : this.take(new Int16Array(data)));
  }

  clear() {
    this.queue = [];
    this.head = this.waiting = this.waited = 0;
    this.playing = false;
  }

  drop() {
    this.clear();
    this.played = this.came;
    this.tell();
  }

  take(pcm) {
    this.came += pcm.length;
    let samples = Float32Array.from(pcm, (each) => each / 32768);
    if (this.resampler) samples = this.resampler.process(samples);
    this.queue.push(samples);
    this.waiting += samples.length;
  }

  process(_, [output]) {
    const out = output[0];
    if (!this.playing && this.waiting) {
      this.waited += out.length / sampleRate;
      this.playing = this.waiting >= AHEAD * sampleRate || this.waited >= PATIENCE;
    }
    let given = 0;
    while (this.playing && given < out.length && this.queue.length) {
      const first = this.queue[0];
      const count = Math.min(out.length - given, first.length - this.head);
      out.set(first.subarray(this.head, this.head + count), given);
      given += count;
      this.head += count;
      if (this.head === first.length) {
        this.queue.shift();
        this.head = 0;
      }
    }
    this.smooth(out, given);
    this.waiting -= given;
    if (this.playing) this.played = Math.max(0, Math.floor(this.came - (this.waiting * 24000) / sampleRate));
    if (!this.waiting) {
      this.playing = false;
      this.waited = 0;
    }
    this.quiet += out.length / sampleRate;
    if (this.quiet >= REPORT) this.tell();
    for (const channel of output.slice(1)) channel.set(out);
    return true;
  }

  smooth(out, given) {
    // What ends abruptly fades in place of a click.
    if (given) this.last = out[given - 1];
    for (let at = given; at < out.length; at++) out[at] = this.last *= 0.97;
  }

  tell() {
    this.quiet = 0;
    if (this.played !== this.told) this.port.postMessage((this.told = this.played));
  }
}

registerProcessor("capture", Capture);
registerProcessor("player", Player);
