import 'reflect-metadata';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { WsAdapter } from '@nestjs/platform-ws';
import { AppModule } from './app.module.js';
import type { SampleConfig } from './sample.config.js';

/** Makes the application, ready to listen. Rejects when it cannot boot. */
export async function createApplication(config: SampleConfig): Promise<INestApplication> {
  const app = await NestFactory.create(AppModule.for(config), adapterFor(config), {
    logger: ['warn', 'error'],
    abortOnError: false,
  });
  app.useWebSocketAdapter(new WsAdapter(app));
  app.enableShutdownHooks();
  return app;
}

function adapterFor({ adapter, trustProxy }: SampleConfig): ExpressAdapter | FastifyAdapter {
  if (adapter === 'fastify') return new FastifyAdapter({ trustProxy });
  const express = new ExpressAdapter();
  express.set('trust proxy', trustProxy);
  return express;
}
