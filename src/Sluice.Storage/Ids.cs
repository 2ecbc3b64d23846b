using System.Security.Cryptography;

namespace Sluice.Storage;

/// <summary>Ids that nobody can guess: 24 characters of 62 are 142 bits.</summary>
public static class Ids
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    public static string NewFile() => "file-" + Random();

    public static string NewBatch() => "batch_" + Random();

    public static string Random() => RandomNumberGenerator.GetString(Alphabet, 24);
}
