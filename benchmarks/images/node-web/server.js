'use strict';
require('reflect-metadata');
const { Controller, Get, Module, ValidationPipe } = require('@nestjs/common');
const { ConfigModule } = require('@nestjs/config');
const { HttpModule } = require('@nestjs/axios');
const { NestFactory } = require('@nestjs/core');
const { DocumentBuilder, SwaggerModule } = require('@nestjs/swagger');
const { DynamoDBClient } = require('@aws-sdk/client-dynamodb');
const { S3Client } = require('@aws-sdk/client-s3');
const { DataSource } = require('typeorm');
const winston = require('winston');

const log = winston.createLogger({ transports: [new winston.transports.Console()] });
const clients = [new S3Client({ region: 'eu-central-1' }), new DynamoDBClient({ region: 'eu-central-1' })];

// What TypeScript makes of decorators.
class ShopController {
  health() {
    return { status: 'ok', clients: clients.length, databases: DataSource.name };
  }
}
const method = Object.getOwnPropertyDescriptor(ShopController.prototype, 'health');
Get('health')(ShopController.prototype, 'health', method);
Controller()(ShopController);

class ShopModule {}
Module({ imports: [ConfigModule.forRoot(), HttpModule], controllers: [ShopController] })(ShopModule);

async function main() {
  const app = await NestFactory.create(ShopModule, { logger: false });
  app.useGlobalPipes(new ValidationPipe());
  const document = SwaggerModule.createDocument(app, new DocumentBuilder().setTitle('shop').build());
  SwaggerModule.setup('api', app, document);
  await app.listen(3000, '0.0.0.0');
  log.info('listening on 3000');
}

main();
