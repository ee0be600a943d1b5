import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { WsAdapter } from '@nestjs/platform-ws';
import { join } from 'node:path';
import { AppModule } from './app.module.js';

/** Nothing but the files of `public` is loaded, and the page talks to its own server only. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'";

const app = await NestFactory.create<NestExpressApplication>(AppModule);
app.useWebSocketAdapter(new WsAdapter(app));
app.useStaticAssets(join(import.meta.dirname, '../public'), {
  setHeaders: (response) => response.setHeader('Content-Security-Policy', POLICY),
});
await app.listen(process.env['PORT'] ?? 3000);
