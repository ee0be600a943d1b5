import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fastifyMultipart from '@fastify/multipart';
import {
  Controller,
  Get,
  Inject,
  type INestApplication,
  Post,
  Req,
  UploadedFile,
  UploadedFiles,
  UseInterceptors,
} from '@nestjs/common';
import { FileInterceptor, MulterModule } from '@nestjs/platform-express';
import {
  FileInterceptor as FastifyFileInterceptor,
  type UploadedMultipartFile,
} from '@nestjs/platform-fastify/multipart';
import type { Request as ExpressRequest } from 'express';
import fileUpload, { type UploadedFile as ExpressFile } from 'express-fileupload';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import multer from 'multer';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HttpSession, SessionScoped } from 'nestjs-session-beans';
import { Client } from '../../support/client.js';
import { liveSessionCount } from '../../support/live-session-count.js';
import { type TestApplication, type TestApplicationOptions, startApplication } from '../../support/platforms.js';

/** Larger than the buffers of a socket: it still arrives when the handler of a stream runs. */
const LARGE = Buffer.alloc(3_000_000, 'x');

const directory = mkdtempSync(join(tmpdir(), 'uploads-'));
afterAll(() => rmSync(directory, { recursive: true }));

@SessionScoped({ name: 'uploads' })
class Uploads {
  files: string[] = [];
}

@Controller()
class ListController {
  @Inject() protected readonly uploads!: Uploads;

  @Get() list(): string[] {
    return this.uploads.files;
  }

  protected add(name: string | undefined, size: number | undefined): void {
    this.uploads.files.push(`${name} ${size}`);
  }
}

@Controller()
class InterceptedController extends ListController {
  @UseInterceptors(FileInterceptor('file'))
  @Post()
  upload(@UploadedFile() { filename, size }: Express.Multer.File): void {
    this.add(filename, size);
  }
}

@Controller()
class FastifyInterceptedController extends ListController {
  @UseInterceptors(FastifyFileInterceptor('file'))
  @Post()
  upload(@UploadedFile() { originalname, size }: UploadedMultipartFile): void {
    this.add(originalname, size);
  }
}

@Controller()
class MiddlewareController extends ListController {
  @Post() upload(@UploadedFiles() files: Express.Multer.File[]): void {
    for (const { originalname, size } of files) this.add(originalname, size);
  }
}

@Controller()
class FileUploadController extends ListController {
  @Post() async upload(@Req() { files }: ExpressRequest): Promise<void> {
    const file = files?.['file'] as ExpressFile;
    await file.mv(join(directory, file.name));
    this.add(file.name, file.size);
  }
}

@Controller()
class StreamController extends ListController {
  @Post() async upload(@Req() request: FastifyRequest): Promise<void> {
    for await (const part of request.parts()) {
      if (part.type === 'file') this.add(part.filename, (await part.toBuffer()).length);
    }
  }
}

/** With the server itself: Nest comes from the root, and would look for the plugin there. */
function registerMultipart(app: INestApplication): void {
  void (app.getHttpAdapter().getInstance() as FastifyInstance).register(fastifyMultipart, {
    limits: { fileSize: 2 * LARGE.length },
  });
}

/** Multer asks for the name of the file when it begins to arrive. */
const namedAfterSessions = MulterModule.registerAsync({
  inject: [HttpSession],
  useFactory: (session: HttpSession) => ({
    storage: multer.diskStorage({
      destination: directory,
      filename: (_, { originalname }, done) => done(null, `${session.handle?.slice(0, 4) ?? 'new'}-${originalname}`),
    }),
  }),
});

const ways: readonly (Pick<TestApplicationOptions, 'adapter' | 'controllers' | 'imports' | 'prepare'> & {
  readonly way: string;
  readonly names?: readonly string[];
})[] = [
  {
    way: 'FileInterceptor of multer, with names after sessions',
    adapter: 'express',
    controllers: [InterceptedController],
    imports: [namedAfterSessions],
    names: ['new-small.txt', 'sh1_-large.txt'],
  },
  {
    way: 'multer before all handlers',
    adapter: 'express',
    controllers: [MiddlewareController],
    prepare: (app: INestApplication) => void app.use(multer().any()),
  },
  {
    way: 'express-fileupload',
    adapter: 'express',
    controllers: [FileUploadController],
    prepare: (app: INestApplication) => void app.use(fileUpload()),
  },
  {
    way: 'express-fileupload with temporary files',
    adapter: 'express',
    controllers: [FileUploadController],
    prepare: (app: INestApplication) => void app.use(fileUpload({ useTempFiles: true, tempFileDir: directory })),
  },
  {
    way: 'FileInterceptor of @fastify/multipart',
    adapter: 'fastify',
    controllers: [FastifyInterceptedController],
    prepare: registerMultipart,
  },
  {
    way: '@fastify/multipart, by hand',
    adapter: 'fastify',
    controllers: [StreamController],
    prepare: registerMultipart,
  },
];

describe.each(ways)('uploads with $way', ({ names = ['small.txt', 'large.txt'], ...options }) => {
  let server: TestApplication;
  beforeAll(async () => {
    server = await startApplication({ beans: [Uploads], ...options });
  });
  afterAll(() => server.close());

  it('are kept in the session by a handler that has read them', async () => {
    const client = new Client(server.app);
    await client.agent.post('/').attach('file', Buffer.from('small'), 'small.txt').expect(201);
    await client.agent.post('/').attach('file', LARGE, 'large.txt').expect(201);
    expect((await client.get('/')).body).toEqual([`${names[0]} 5`, `${names[1]} ${LARGE.length}`]);
    expect(server.store.calls.save).toBe(2);
    expect(liveSessionCount(server.app)).toBe(0);
  });
});
