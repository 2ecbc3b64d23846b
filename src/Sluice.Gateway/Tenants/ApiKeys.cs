using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Sluice.Gateway;

/// <summary>API keys: made here, shown once, kept as hashes.</summary>
/// <remarks>A key is 40 random characters of 62, 238 bits, so a plain SHA-256 cannot be searched and needs no salt.</remarks>
internal static class ApiKeys
{
    private const string Prefix = "sk-sluice-";
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    /// <summary>Longer text is no key of ours and is not hashed.</summary>
    public const int LengthMax = 200;

    public static string New() => Prefix + RandomNumberGenerator.GetString(Alphabet, 40);

    public static byte[] HashOf(ReadOnlySpan<char> key)
    {
        Span<byte> utf8 = stackalloc byte[LengthMax * 3];
        return SHA256.HashData(utf8[..Encoding.UTF8.GetBytes(key, utf8)]);
    }

    /// <summary>Finds a hash's candidates. It tells nothing of the key to measure how long that takes: whoever could choose
    /// hashes could choose keys.</summary>
    public static ulong BucketOf(ReadOnlySpan<byte> hash) => BinaryPrimitives.ReadUInt64LittleEndian(hash);

    /// <summary>Enough to tell keys apart in a list.</summary>
    public static string HintOf(string key) => $"{key[..(Prefix.Length + 2)]}…{key[^4..]}";
}
