import 'reflect-metadata';
import { setFlagsFromString } from 'node:v8';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from '../../../src/app.module.js';
import { readConfig } from '../../../src/sample.config.js';
import { LabModule } from './lab.module.js';

// `LabModule` measures memory after a collection, and one of the troubles is a collection.
setFlagsFromString('--expose-gc');

const config = readConfig(process.env);

@Module({ imports: [AppModule.for(config), LabModule] })
class LabServerModule {}

const app = await NestFactory.create(LabServerModule, { logger: ['warn', 'error'], abortOnError: false });
app.enableShutdownHooks();
await app.listen(config.port, config.host);
console.log(`listening on ${await app.getUrl()}`);
