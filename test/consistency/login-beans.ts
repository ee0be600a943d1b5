import { Merge, SessionScoped } from 'nestjs-session-beans';

/** Goes on when somebody logs in to an anonymous session. */
@SessionScoped({ name: 'cart', onLogin: 'keep' })
export class Cart {
  @Merge('sum') items = 0;
  voucher = '';
}

/** Begins anew when somebody logs in, since somebody else may have planted it. */
@SessionScoped({ name: 'csrf', onLogin: 'reset' })
export class CsrfToken {
  token = '';
}

/** Belongs to who is logged in. */
@SessionScoped({ name: 'account', onLogin: 'reset' })
export class Account {
  balance = 0;
}

/** Remembers what was noted. Belongs to who is logged in. */
@SessionScoped({ name: 'notes', onLogin: 'reset' })
export class Notes {
  @Merge('union') tags = new Set<string>();
}
