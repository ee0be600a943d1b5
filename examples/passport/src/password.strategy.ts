import { Injectable, UnauthorizedException } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-local';

export interface User {
  readonly id: string;
  readonly name: string;
}

/** Knows who somebody is by their password. It keeps nothing. */
@Injectable()
export class PasswordStrategy extends PassportStrategy(Strategy) {
  /** Yours: look the account up, and compare with the hash of its password. */
  validate(name: string, password: string): User {
    if (password !== 'secret') throw new UnauthorizedException('unknown user or wrong password');
    return { id: `account-of-${name}`, name };
  }
}
