// A call over WebSocket: the protocol of docs/reference/websocket-protocol.md.

const PING = 10000;

export class SocketWire {
  constructor(sound, on) {
    this.name = "WebSocket";
    this.sound = sound;
    this.on = on; // { message, closed }
    this.nodes = [];
  }

  async connect({ token, profile }) {
    const url = new URL("ws", document.baseURI);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = (this.socket = new WebSocket(url, ["beluga-voice.1"]));
    socket.binaryType = "arraybuffer";
    await this.sound.worklets;
    await new Promise((open, failed) => {
      if (socket.readyState === WebSocket.OPEN) open();
      socket.onopen = open;
      socket.onclose = () => failed(new Error("the server takes no WebSocket"));
    });
    const hello = { type: "hello", version: 1, token: token ?? "" };
    if (profile && !token) hello.profile = profile;
    const welcomed = new Promise((done, failed) => {
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        if (message.type !== "welcome") return failed(refusal(message));
        socket.onmessage = (event) => this.receive(event.data);
        this.play();
        this.on.message(message);
        done();
      };
      socket.onclose = (event) => failed(new Error(event.reason || "the connection was closed"));
    });
    this.send(hello);
    await welcomed;
    socket.onclose = ({ code, reason }) => this.end({ code, reason });
    this.pings = setInterval(() => this.send({ type: "ping" }), PING);
    this.capture();
  }

  receive(data) {
    if (typeof data !== "string") return this.player.port.postMessage(data, [data]);
    const message = JSON.parse(data);
    if (message.type === "clear") this.player.port.postMessage("clear");
    else this.on.message(message);
  }

  play() {
    const { context } = this.sound;
    this.player = new AudioWorkletNode(context, "player", { numberOfInputs: 0, outputChannelCount: [1] });
    this.player.port.onmessage = ({ data }) => this.send({ type: "played", samples: data });
    this.player.connect(context.destination);
    this.sound.watch("agent", this.player);
    this.nodes.push(this.player);
  }

  capture() {
    // Also when the microphone was changed.
    this.capturing?.disconnect();
    if (!this.sound.source) return;
    this.capturing = new AudioWorkletNode(this.sound.context, "capture", { numberOfOutputs: 0 });
    this.capturing.port.onmessage = ({ data }) => this.socket.readyState === WebSocket.OPEN && this.socket.send(data);
    this.sound.source.connect(this.capturing);
  }

  changed() {
    this.capture();
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  end(why) {
    if (this.ended) return;
    this.ended = true;
    clearInterval(this.pings);
    if (this.capturing) this.nodes.push(this.capturing);
    for (const node of this.nodes) {
      node.port.onmessage = null;
      node.disconnect();
    }
    if (this.capturing) this.sound.source?.disconnect(this.capturing);
    delete this.sound.meters.agent;
    this.on.closed(why);
  }

  close() {
    this.on = { message() {}, closed() {} };
    this.end({});
    this.socket?.close(1000);
  }
}

export function refusal(message) {
  const error = new Error(message.message ?? "the server refused");
  error.code = message.code;
  return error;
}
