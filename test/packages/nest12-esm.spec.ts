import { describeConsumerApplication } from './describe-consumer-application.js';

describeConsumerApplication('nest12-esm');
