import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestCertificate {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** An authority that signs certificates for members, with the commands that the documentation gives. Remove it. */
export class TestAuthority {
  private readonly directory = mkdtempSync(join(tmpdir(), 'session-beans-authority-'));

  constructor() {
    this.openssl(
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj',
      '/CN=sessions',
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
    );
  }

  certificateOf(name: string): TestCertificate {
    this.openssl(
      'req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
    );
    const extensions = `subjectAltName=DNS:${name}\nextendedKeyUsage=serverAuth,clientAuth\n`;
    writeFileSync(join(this.directory, `${name}.ext`), extensions);
    this.openssl(
      'x509 -req -days 365 -CA ca.pem -CAkey ca.key -CAcreateserial',
      '-in',
      `${name}.csr`,
      '-extfile',
      `${name}.ext`,
      '-out',
      `${name}.pem`,
    );
    return { ca: this.read('ca.pem'), cert: this.read(`${name}.pem`), key: this.read(`${name}.key`) };
  }

  remove(): void {
    rmSync(this.directory, { recursive: true });
  }

  private openssl(options: string, ...more: readonly string[]): void {
    execFileSync('openssl', [...options.split(' '), ...more], { cwd: this.directory, stdio: 'pipe' });
  }

  private read(file: string): string {
    return readFileSync(join(this.directory, file), 'utf8');
  }
}
