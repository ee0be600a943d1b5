import { Module } from '@nestjs/common';

/** Carries the providers of `SessionModule.forFeature()`. */
@Module({})
export class SessionFeatureModule {}
