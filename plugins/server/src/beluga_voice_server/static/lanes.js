// The last twelve seconds of both voices, scrolling; no frame is drawn while nothing changes.

const SECONDS = 12;
const STEP = 0.05;
const COUNT = SECONDS / STEP;

export class Lanes {
  constructor(canvas) {
    this.canvas = canvas;
    this.clear();
  }

  clear() {
    this.levels = { caller: new Float32Array(COUNT), agent: new Float32Array(COUNT) };
    this.marks = new Uint8Array(COUNT);
    this.mark = false;
    this.draw();
  }

  push(caller, agent) {
    for (const [name, level] of [["caller", caller], ["agent", agent]]) {
      this.levels[name].copyWithin(0, 1);
      this.levels[name][COUNT - 1] = level;
    }
    this.marks.copyWithin(0, 1);
    this.marks[COUNT - 1] = this.mark ? 1 : 0;
    this.mark = false;
    this.draw();
  }

  draw() {
    const { canvas } = this;
    const ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth * ratio;
    const height = canvas.clientHeight * ratio;
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const pen = canvas.getContext("2d");
    const style = getComputedStyle(canvas);
    pen.clearRect(0, 0, width, height);
    const step = width / COUNT;
    const middle = height / 2;
    pen.fillStyle = style.getPropertyValue("--line");
    pen.fillRect(0, middle - ratio / 2, width, ratio);
    for (const [name, sign] of [["caller", -1], ["agent", 1]]) {
      pen.fillStyle = style.getPropertyValue(`--${name}`);
      this.levels[name].forEach((level, at) => {
        const tall = Math.max(level > 0.12 ? 2 * ratio : 0, (level - 0.1) * (middle - 4 * ratio) * 1.1);
        pen.beginPath();
        pen.roundRect(at * step, sign < 0 ? middle - 2 * ratio - tall : middle + 2 * ratio, step * 0.62, tall, step * 0.3);
        pen.fill();
      });
    }
    pen.fillStyle = style.getPropertyValue("--cut");
    this.marks.forEach((marked, at) => marked && pen.fillRect(at * step, 0, 1.5 * ratio, height));
  }
}
