import { createReadStream } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import {
  BadRequestException,
  type CanActivate,
  Controller,
  Get,
  Header,
  HttpCode,
  type HttpRedirectResponse,
  Inject,
  Injectable,
  type MessageEvent,
  type PipeTransform,
  Param,
  Query,
  Redirect,
  Res,
  Sse,
  StreamableFile,
  UnauthorizedException,
  UseGuards,
  UsePipes,
  Version,
} from '@nestjs/common';
import { EMPTY, Observable, of } from 'rxjs';
import { Counter } from './counter.js';

/** The part of the responses of Express and Fastify that these handlers use. */
interface FrameworkResponse {
  readonly raw?: ServerResponse;
  json(body: unknown): unknown;
  send(body: unknown): unknown;
  sendFile(path: string): unknown;
  header(name: string, value: string | string[]): unknown;
  code?(status: number): unknown;
  hijack?(): unknown;
}

const FILE = fileURLToPath(new URL('../../package.json', import.meta.url));

function rawOf(response: FrameworkResponse): ServerResponse {
  return response.raw ?? (response as unknown as ServerResponse);
}

@Injectable()
class CountingGuard implements CanActivate {
  constructor(private readonly counter: Counter) {}

  canActivate(): boolean {
    this.counter.value++;
    throw new UnauthorizedException();
  }
}

@Injectable()
class CountingPipe implements PipeTransform {
  constructor(private readonly counter: Counter) {}

  transform(): never {
    this.counter.value++;
    throw new BadRequestException();
  }
}

/** Every way a handler can answer; each adds one to the counter. */
@Controller('answers')
export class AnsweringController {
  @Inject() private readonly counter!: Counter;

  @Get('value') value(): string {
    return `n=${++this.counter.value}`;
  }

  @Get('async') async later(): Promise<string> {
    await Promise.resolve();
    return this.value();
  }

  @Get('void') nothing(): void {
    this.counter.value++;
  }

  @Get('null') null(): null {
    this.counter.value++;
    return null;
  }

  @Get('object') object(): object {
    return { n: ++this.counter.value };
  }

  @Get('redirect') @Redirect('/answers/peek', 302) redirect(): HttpRedirectResponse {
    this.counter.value++;
    return { url: '/answers/elsewhere', statusCode: 307 };
  }

  @Get('no-content') @HttpCode(204) noContent(): void {
    this.counter.value++;
  }

  @Get('teapot') @HttpCode(418) teapot(): string {
    return this.value();
  }

  @Get('own-cookies') @Header('Set-Cookie', 'sid=mine; Path=/') ownCookies(
    @Res({ passthrough: true }) response: FrameworkResponse,
  ): string {
    response.header('Set-Cookie', ['a=1', 'b=2; Path=/', 'sid=mine']);
    return this.value();
  }

  @Get('exception') exception(): never {
    this.counter.value++;
    throw new BadRequestException();
  }

  @Get('error') error(): never {
    this.counter.value++;
    throw new Error('an error of the application');
  }

  @Get('async-error') async laterError(): Promise<never> {
    await Promise.resolve();
    return this.error();
  }

  @Get('guard') @UseGuards(CountingGuard) guard(): string {
    return 'never';
  }

  @Get('pipe') @UsePipes(CountingPipe) pipe(@Query('q') _q: unknown): string {
    return 'never';
  }

  @Get('passthrough') passthrough(@Res({ passthrough: true }) response: FrameworkResponse): string {
    response.header('X-Own', 'yes');
    return this.value();
  }

  @Get('res-send') resSend(@Res() response: FrameworkResponse): void {
    response.send(this.value());
  }

  @Get('res-json') resJson(@Res() response: FrameworkResponse): void {
    response.json(this.object());
  }

  @Get('res-send-file') resSendFile(@Res() response: FrameworkResponse): void {
    this.counter.value++;
    response.sendFile(FILE);
  }

  @Get('res-return-reply') async resReturn(@Res() response: FrameworkResponse): Promise<unknown> {
    await Promise.resolve();
    return response.send(this.value());
  }

  @Get('raw-end') rawEnd(@Res() response: FrameworkResponse): void {
    response.hijack?.();
    rawOf(response).end(this.value());
  }

  @Get('raw-write-end') rawWriteEnd(@Res() response: FrameworkResponse): void {
    response.hijack?.();
    const raw = rawOf(response);
    const n = ++this.counter.value;
    raw.write('n=');
    raw.write(String(n));
    raw.end();
  }

  @Get('raw-head') rawHead(@Res() response: FrameworkResponse): void {
    response.hijack?.();
    const text = this.value();
    rawOf(response)
      .writeHead(202, { 'Content-Type': 'text/plain', 'Set-Cookie': ['a=1', 'b=2'] })
      .end(text);
  }

  @Get('raw-flush') rawFlush(@Res() response: FrameworkResponse): void {
    response.hijack?.();
    const text = this.value();
    rawOf(response).flushHeaders();
    rawOf(response).end(text);
  }

  @Get('raw-change-while-held') rawChangeWhileHeld(@Res() response: FrameworkResponse): void {
    response.hijack?.();
    const raw = rawOf(response);
    this.counter.value = -1;
    raw.write('n=');
    this.counter.value = 1;
    raw.end('1');
  }

  @Get('raw-pipe') rawPipe(@Res() response: FrameworkResponse): void {
    response.hijack?.();
    this.counter.value++;
    createReadStream(FILE).pipe(rawOf(response));
  }

  @Get('file') file(): StreamableFile {
    this.counter.value++;
    return new StreamableFile(createReadStream(FILE));
  }

  @Get('file-touching') fileTouching(): StreamableFile {
    const { counter } = this;
    return new StreamableFile(
      new Readable({
        read() {
          counter.value++;
          this.push('n=1');
          this.push(null);
        },
      }),
    );
  }

  @Get('generator') async *generator(): AsyncGenerator<string> {
    this.counter.value++;
    yield 'n=';
    yield '1';
  }

  @Get('web-stream') webStream(): ReadableStream<string> {
    this.counter.value++;
    return new ReadableStream({
      start(controller) {
        controller.enqueue('n=1');
        controller.close();
      },
    });
  }

  @Get('web-response') webResponse(): Response {
    return new Response(this.value(), { status: 203, headers: { 'set-cookie': 'a=1' } });
  }

  @Get('web-failure') webFailure(): Response {
    return new Response(this.value(), { status: 422 });
  }

  @Get('observable') observable(): Observable<string> {
    return of(this.value());
  }

  @Get('observable-many') observableMany(): Observable<string> {
    return of('a', 'b', this.value());
  }

  @Get('observable-empty') observableEmpty(): Observable<never> {
    this.counter.value++;
    return EMPTY;
  }

  @Sse('sse') sse(): Observable<MessageEvent> {
    return of({ data: this.value() });
  }

  @Sse('sse-async') async sseAsync(): Promise<Observable<MessageEvent>> {
    await Promise.resolve();
    return this.sse();
  }

  @Version('2') @Get('versioned') versioned(): string {
    return this.value();
  }

  @Get('named/:name') named(@Param('name') name: string): string {
    return `${name} ${this.value()}`;
  }

  @Get('peek') peek(): string {
    return `n=${this.counter.value}`;
  }
}
