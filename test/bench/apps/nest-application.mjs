import 'reflect-metadata';
import { Controller, Get, Inject, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';

class BenchModule {
  name = 'bench';
}
Module({})(BenchModule);

/**
 * Starts every contestant in the same way: stock adapter, errors logged only, no middleware but what `prepare`
 * installs.
 * @param {{ adapter?: 'express' | 'fastify', imports?: object[], controllers: Function[], providers?: object[],
 *   prepare?: (app: object) => unknown }} parts
 */
export async function createNestApplication({ adapter, imports = [], controllers, providers = [], prepare }) {
  const module = { module: BenchModule, imports, controllers, providers };
  const http = adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
  const app = await NestFactory.create(module, http, { logger: ['error'], abortOnError: false });
  await prepare?.(app);
  return app;
}

/** Applies `@Controller()`, and `@Get(name)` to every method. Plain .mjs files have no decorator syntax. */
export function controller(type, inject = {}) {
  Controller()(type);
  for (const name of Object.getOwnPropertyNames(type.prototype)) {
    if (name === 'constructor') continue;
    Get(name)(type.prototype, name, Object.getOwnPropertyDescriptor(type.prototype, name));
  }
  for (const [property, token] of Object.entries(inject)) Inject(token)(type.prototype, property);
  return type;
}
