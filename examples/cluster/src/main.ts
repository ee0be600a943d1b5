import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule);
// So that a container which is told to stop answers the requests that it has.
app.enableShutdownHooks();
await app.listen(process.env['PORT'] ?? 3000);
