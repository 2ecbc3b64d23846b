namespace Sluice.Core;

/// <summary>Input from outside that cannot be used. The message says what was wrong, where, and what would be right; it is
/// shown to the user as it stands.</summary>
public sealed class InputException(string message) : Exception(message);
