/** Says what runs and how long it will take: in one line on a terminal, otherwise in a line per step. */
export class Progress {
  #began = performance.now();
  #done = 0;
  #steps;
  #title;

  constructor(title, steps) {
    this.#title = title;
    this.#steps = steps;
  }

  step(what) {
    const seconds = (performance.now() - this.#began) / 1000;
    const left = this.#done === 0 ? '' : ` · ${clock((seconds / this.#done) * (this.#steps - this.#done))} left`;
    const line = `${this.#title} · ${++this.#done}/${this.#steps} · ${what}${left}`;
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`);
    else console.error(line);
  }

  end() {
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
    console.error(`${this.#title} · done in ${clock((performance.now() - this.#began) / 1000)}`);
  }
}

function clock(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
