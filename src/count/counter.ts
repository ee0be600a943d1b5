import { Merge, SessionScoped } from 'nestjs-session-beans';

/** Counts the requests of this session. Overlapping requests are added up. */
@SessionScoped({ name: 'counter', version: 1 })
export class Counter {
  @Merge('sum') private value = 0;

  getValue(): number {
    return this.value;
  }

  countUp(): void {
    this.value++;
  }
}
