// One call: how it begins, over which wire, how it comes back after a loss, how it ends.

import { after } from "./audio.js";
import { refusal, SocketWire } from "./socket.js";
import { PeerWire } from "./webrtc.js";

const KEPT = "beluga-voice.resume";
const TRIES = [0, 500, 1000, 2000, 4000, 8000];
const LAST_WORDS = 1500; // ms
const OVER = ["ended", "taken_over", "idle"]; // codes of `bye` after which nothing is to come back to

export const kept = {
  // The token outlives a reload of this tab, and nothing else.
  get: () => sessionStorage.getItem(KEPT),
  set: (token) => sessionStorage.setItem(KEPT, token),
  forget: () => sessionStorage.removeItem(KEPT),
};

export class Call {
  // `show(message)` takes each message of the server, and {type: "connecting" | "connected" | "over", ...} of the call.
  constructor(sound, transports, show) {
    this.sound = sound;
    this.transports = transports;
    this.show = show;
    this.live = true;
  }

  async begin({ profile, key, token }) {
    this.began = performance.now();
    this.key = key;
    await this.connect({ token, profile });
  }

  async connect({ token, profile }) {
    const resuming = Boolean(token);
    let offers = {};
    this.show({ type: "connecting", again: resuming });
    if (!resuming || this.transports.includes("webrtc")) offers = await this.ask(profile, resuming);
    const refused = [];
    for (const [name, Wire] of this.wires()) {
      const wire = new Wire(this.sound, { message: (each) => this.receive(each), closed: (why) => this.lost(why) });
      this.attempt = wire;
      try {
        // A session that was begun in vain ends by itself: the next wire begins another.
        if (refused.length && !resuming) offers = await this.ask(profile, false);
        const servers = offers.transports?.webrtc?.iceServers;
        await wire.connect({ token: token ?? offers.token, profile, servers });
        if (!this.live) return wire.close();
        this.wire = wire;
        const ms = Math.round(performance.now() - this.began);
        return this.show({ type: "connected", wire: wire.name, ms, instead: refused[0] });
      } catch (error) {
        wire.close();
        if (!this.live) return undefined;
        refused.push(error);
        if (error.code && error.code !== "bad_sdp") throw error;
        if (resuming) token = wire.resume ?? token;
        if (name === "webrtc") PeerWire.blocked = true; // for the rest of this visit
      }
    }
    throw refused[0] ?? new Error("this server has no transport; install beluga-voice[webrtc] or beluga-voice[websocket]");
  }

  wires() {
    const usable = [];
    const wanted = new URLSearchParams(location.search).get("wire");
    const has = (name) => this.transports.includes(name) && (!wanted || wanted === name);
    if (has("webrtc") && window.RTCPeerConnection && !PeerWire.blocked) usable.push(["webrtc", PeerWire]);
    if (has("websocket")) usable.push(["websocket", SocketWire]);
    return usable;
  }

  async ask(profile, resuming) {
    const headers = this.key ? { Authorization: `Bearer ${this.key}` } : {};
    const response = await fetch("start", { method: "POST", headers, body: profile ? JSON.stringify({ profile }) : "" });
    const told = await response.json();
    if (response.ok) return told;
    if (resuming) return {}; // the token is enough; only servers for WebRTC are not known
    throw refusal(told.error ?? {});
  }

  receive(message) {
    if (message.type === "welcome") {
      this.session = message.session_id;
      this.token = message.resume;
      this.grace = message.grace;
      kept.set(message.resume);
    } else if (message.type === "bye") {
      this.bye = message;
    } else if (message.type === "ended") {
      this.bye ??= { code: "ended", reason: message.reason };
    }
    this.show(message);
    if (message.type !== "bye") return;
    if (!this.live) this.leaving?.();
    else if (OVER.includes(message.code)) this.finish(message);
  }

  async lost() {
    this.wire = null;
    if (!this.live) return;
    if (this.bye && OVER.includes(this.bye.code)) return this.finish(this.bye);
    this.bye = null;
    const until = performance.now() + (this.grace ?? 30) * 1000;
    for (const wait of TRIES) {
      await after(wait);
      if (!this.live || performance.now() > until) break;
      try {
        this.began = performance.now();
        return await this.connect({ token: this.token });
      } catch (error) {
        if (["session_ended", "token_used", "token_invalid", "token_expired"].includes(error.code)) break;
      }
    }
    if (this.live) this.finish({ code: "lost", reason: "the connection was lost" });
    return undefined;
  }

  send(message) {
    this.wire?.send(message);
  }

  hangUp() {
    this.send({ type: "bye" });
    const wire = this.wire;
    this.finish({ code: "hung_up", reason: "" }, wire);
  }

  async leave(wire, patience) {
    // What was heard of the last answer is told after the caller has hung up.
    await Promise.race([after(patience), new Promise((done) => (this.leaving = done))]);
    wire?.close();
    this.show({ type: "left", session: this.session });
  }

  finish(why, wire = this.wire) {
    if (!this.live) return;
    this.live = false;
    this.wire = null;
    kept.forget();
    if (!wire) this.attempt?.close();
    this.show({ type: "over", ...why });
    this.leave(wire, why.code === "hung_up" ? LAST_WORDS : 0);
  }
}
