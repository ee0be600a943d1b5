import { createApplication } from './create-application.js';
import { readConfig } from './sample.config.js';

try {
  const config = readConfig(process.env);
  const app = await createApplication(config);
  await app.listen(config.port, config.host);
  console.log(`listening on ${(await app.getUrl()).replace('[::1]', 'localhost')}`);
} catch (error) {
  // An error of the configuration is one line. A stack would hide it.
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
