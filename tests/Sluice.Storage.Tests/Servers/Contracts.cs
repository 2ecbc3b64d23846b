namespace Sluice.Storage.Tests;

// A store is defined by its contract; here each server takes every part of it.

public sealed class SqliteFileTests() : FileContract(new SqliteServer());

public sealed class PostgresFileTests() : FileContract(new PostgresServer());

public sealed class SqliteBatchTests() : BatchContract(new SqliteServer());

public sealed class PostgresBatchTests() : BatchContract(new PostgresServer());

public sealed class SqliteLineTests() : LineContract(new SqliteServer());

public sealed class PostgresLineTests() : LineContract(new PostgresServer());

public sealed class SqliteTenantTests() : TenantContract(new SqliteServer());

public sealed class PostgresTenantTests() : TenantContract(new PostgresServer());

public sealed class SqliteResponseTests() : ResponseContract(new SqliteServer());

public sealed class PostgresResponseTests() : ResponseContract(new PostgresServer());

public sealed class SqliteFaultTests() : FaultContract(new SqliteServer());

public sealed class PostgresFaultTests() : FaultContract(new PostgresServer());
