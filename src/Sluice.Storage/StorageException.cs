namespace Sluice.Storage;

/// <summary>The store could not read or write. The message says what to look at; a write that failed with it was not
/// acknowledged, and repeating it is harmless: every write is keyed by an id that the caller chose.</summary>
public class StorageException : Exception
{
    public StorageException(string message)
        : base(message)
    {
    }

    public StorageException(string message, Exception inner)
        : base(message, inner)
    {
    }
}

/// <summary>Another process has taken the store, because this one's connection was lost: nothing is written any more.</summary>
public sealed class StoreTakenException(string message) : StorageException(message);
