// A call over WebRTC: an offer is posted, candidates follow, messages go over the data channel.

import { after } from "./audio.js";
import { refusal } from "./socket.js";

const PATIENCE = 4000; // ms until a network that lets no UDP through is given up
const LOST = 2500; // ms that a connection may be interrupted

export class PeerWire {
  constructor(sound, on) {
    this.name = "WebRTC";
    this.sound = sound;
    this.on = on;
    this.waiting = [];
  }

  // On failure `resume` holds the token that a session which went on before goes on with over another wire.
  async connect({ token, profile, servers }) {
    const relay = new URLSearchParams(location.search).has("relay"); // by a TURN server alone, to try it
    const configuration = { iceServers: servers ?? [], iceTransportPolicy: relay ? "relay" : "all", bundlePolicy: "max-bundle" };
    const peer = (this.peer = new RTCPeerConnection(configuration));
    const connected = this.watch(peer);
    connected.catch(() => {}); // it may fail before anybody waits for it
    const channel = (this.channel = peer.createDataChannel("beluga-voice"));
    const welcomed = new Promise((done) => {
      channel.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        if (message.type === "clear") return this.clear();
        this.on.message(message);
        if (message.type === "welcome") done();
      };
    });
    this.sender = peer.addTransceiver(this.sound.track ?? "audio", { direction: "sendrecv" }).sender;
    peer.ontrack = ({ track }) => this.play(new MediaStream([track]));
    await peer.setLocalDescription();
    const body = { type: "offer", sdp: peer.localDescription.sdp, token: token ?? "" };
    if (profile && !token) body.profile = profile;
    const response = await post("api/offer", "POST", body);
    const answer = await response.json();
    if (!response.ok) throw refusal(answer.error ?? {});
    this.resume = answer.token;
    this.connection = answer.connection;
    await peer.setRemoteDescription({ type: "answer", sdp: answer.sdp });
    this.trickle();
    await Promise.race([Promise.all([connected, welcomed]), after(PATIENCE).then(() => fail("this network lets no audio through"))]);
    this.pings = setInterval(() => this.send({ type: "ping" }), 10000);
    channel.onclose = () => this.end({});
  }

  watch(peer) {
    let timer = null;
    let found = 0;
    return new Promise((done, failed) => {
      peer.onicecandidate = ({ candidate }) => {
        if (candidate?.candidate) found += 1;
        else if (!found) failed(new Error("this network lets no audio through"));
        this.waiting.push(candidate);
        this.trickle();
      };
      peer.onconnectionstatechange = () => {
        clearTimeout(timer);
        const state = peer.connectionState;
        if (state === "connected") done();
        else if (state === "disconnected") timer = setTimeout(() => this.end({}), LOST);
        else if (state === "failed") {
          failed(new Error("this network lets no audio through"));
          this.end({});
        }
      };
    });
  }

  trickle() {
    if (!this.connection || !this.waiting.length) return;
    const candidates = this.waiting.splice(0).map((each) => each?.toJSON() ?? null);
    post("api/offer", "PATCH", { connection: this.connection, candidates }).catch(() => {});
  }

  play(stream) {
    // The element plays; the tap is for the meter alone.
    this.element = new Audio();
    this.element.srcObject = stream;
    this.element.play().catch(() => {});
    this.sound.watch("agent", this.sound.context.createMediaStreamSource(stream));
    for (const receiver of this.peer.getReceivers()) if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
  }

  clear() {
    // What the jitter buffer still holds is not to be heard.
    this.element.muted = true;
    setTimeout(() => (this.element.muted = false), 150);
  }

  changed() {
    this.sender.replaceTrack(this.sound.track);
  }

  send(message) {
    if (this.channel?.readyState === "open") this.channel.send(JSON.stringify(message));
  }

  end(why) {
    if (this.ended) return;
    this.ended = true;
    clearInterval(this.pings);
    delete this.sound.meters.agent;
    if (this.element) this.element.srcObject = null;
    this.peer?.close();
    this.on.closed(why);
  }

  close() {
    this.on = { message() {}, closed() {} };
    this.end({});
  }
}

function fail(text) {
  throw new Error(text);
}

function post(path, method, body) {
  return fetch(path, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}
