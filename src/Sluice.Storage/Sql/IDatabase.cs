using System.Data.Common;

namespace Sluice.Storage;

/// <summary>What differs between the servers: how to connect, and how a few column types are spelled. All statements are
/// the same text for every one of them.</summary>
internal interface IDatabase : IDisposable
{
    /// <summary>For messages: where the data is.</summary>
    string Where { get; }

    /// <summary>A column that numbers rows in the order of insertion, and is the primary key.</summary>
    string RowNumber { get; }

    string Bytes { get; }

    /// <summary>Begins a transaction that writes.</summary>
    string Begin { get; }

    ISession OpenWriter();

    /// <summary>Makes this session the only one that may write, for as long as its connection lives. Waits a moment for one that
    /// is just ending.</summary>
    /// <returns>False if another has it.</returns>
    bool TryLock(ISession session);

    /// <summary>Another process has the data: what to do about it.</summary>
    string IfInUse { get; }

    /// <summary>An open connection from the pool. Its reads never wait for the writer.</summary>
    Task<DbConnection> OpenReaderAsync(CancellationToken cancellation);
}
