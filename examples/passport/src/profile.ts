import { SessionScoped } from 'nestjs-session-beans';

/** Facts about the user that requests need. They begin anew with the next login. */
@SessionScoped({ name: 'profile', version: 1, onLogin: 'reset' })
export class Profile {
  name = '';
}
