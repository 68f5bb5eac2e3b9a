package request_test

// sample is the request of contract section 2, word for word.
const sample = `{
  "version": 1,
  "id": "orders-2026-11-22T07",
  "route": "orders-db",
  "wave": "2026-12",
  "mode": "online",
  "depth": "prerequisites",
  "scenario": {
    "source": {"kind": "amazon_rds", "access": "private"},
    "target": {"access": "vnet_integrated"},
    "sameVirtualNetwork": false
  },
  "source": {
    "host": "orders.abc123.eu-west-1.rds.amazonaws.com", "port": 5432, "address": "",
    "databases": ["orders"], "user": "migrator",
    "credential": {"setting": "ORDERS_SOURCE_PASSWORD"},
    "tls": {"mode": "require", "rootsSetting": ""}
  },
  "target": {
    "host": "orders.postgres.database.azure.com", "port": 5432,
    "databases": ["postgres"], "user": "migrator@contoso.com",
    "credential": {"entra": true},
    "tls": {"mode": "verify-full"}
  },
  "runtimeServer": null,
  "serverVantage": false,
  "azure": {"targetResourceId": "", "sourceResourceId": "", "runtimeServerResourceId": "", "vantageSubnetId": ""},
  "timeoutSeconds": 30,
  "notify": {"replyTo": "", "callbackUrl": "", "ticket": {"system": "", "id": ""}},
  "requestedBy": "pipeline:orders"
}`

// shallow is the shortest request that is accepted.
const shallow = `{"version":1,"depth":"tls","source":{"host":"s"},"target":{"host":"t"}}`
