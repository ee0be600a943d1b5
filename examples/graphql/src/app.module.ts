import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Module } from '@nestjs/common';
import { GraphQLModule } from '@nestjs/graphql';
import { SessionModule } from 'nestjs-session-beans';
import { AccountResolver } from './account.resolver.js';
import { Cart } from './cart.js';
import { CartResolver } from './cart.resolver.js';

@Module({
  imports: [
    GraphQLModule.forRoot<ApolloDriverConfig>({ driver: ApolloDriver, autoSchemaFile: true }),
    SessionModule.forRoot(),
    SessionModule.forFeature([Cart]),
  ],
  providers: [CartResolver, AccountResolver],
})
export class AppModule {}
