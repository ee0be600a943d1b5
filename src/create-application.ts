import 'reflect-metadata';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import type { SampleConfig } from './sample.config.js';

/** Makes the application, ready to listen. Rejects when it cannot boot. */
export async function createApplication(config: SampleConfig): Promise<INestApplication> {
  const adapter = config.adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
  const app = await NestFactory.create(AppModule.for(config), adapter, {
    logger: ['warn', 'error'],
    abortOnError: false,
  });
  app.enableShutdownHooks();
  return app;
}
