import { createApplication } from './create-application.js';
import { readConfig } from './sample.config.js';

const config = readConfig(process.env);
const app = await createApplication(config);
await app.listen(config.port, config.host);
console.log(`listening on ${(await app.getUrl()).replace('[::1]', 'localhost')}`);
