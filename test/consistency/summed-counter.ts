import { Merge, SessionScoped } from 'nestjs-session-beans';

@SessionScoped({ name: 'summed' })
export class SummedCounter {
  @Merge('sum') value = 0;
}
