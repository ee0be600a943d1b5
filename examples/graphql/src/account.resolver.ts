import { Args, Mutation, Query, Resolver } from '@nestjs/graphql';
import { HttpSession, RequireLogin } from 'nestjs-session-beans';

@Resolver()
export class AccountResolver {
  constructor(private readonly session: HttpSession) {}

  /** Yours: check a password before. The cart goes on, under a new id of the session. */
  @Mutation(() => String)
  async login(@Args('user') user: string): Promise<string> {
    await this.session.login(user);
    return user;
  }

  @Query(() => String)
  @RequireLogin()
  me(): string {
    return this.session.principal as string;
  }

  @Mutation(() => Boolean)
  async logout(): Promise<boolean> {
    await this.session.logout();
    return true;
  }
}
