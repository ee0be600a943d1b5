import { SessionScoped } from 'nestjs-session-beans';

@SessionScoped({ name: 'notes' })
export class Notes {
  lines: string[] = [];
}
