using System.Collections.Concurrent;

namespace Sluice.Gateway;

/// <summary>Prompt tokens from prompt bytes, by what each model's engines counted so far.</summary>
/// <remarks>A running mean over about 64 answers, beginning with 4 bytes per token, which fits English in JSON to within a
/// third. Racing updates may lose one another; it is an estimate.</remarks>
internal sealed class TokenRatios
{
    private const double First = 4;
    private const double Weight = 1.0 / 64;

    private readonly ConcurrentDictionary<string, double> _bytesPerToken = new(StringComparer.Ordinal);

    public int TokensOf(string model, int bytes) =>
        Math.Max(1, (int)(bytes / _bytesPerToken.GetValueOrDefault(model, First)));

    public double BytesPerToken(string model) => _bytesPerToken.GetValueOrDefault(model, First);

    /// <summary>Only for models that exist, so that the table stays small.</summary>
    public void Learn(string model, int bytes, int tokens)
    {
        if (bytes < 16 || tokens < 1) return;
        var seen = Math.Clamp(bytes / (double)tokens, 0.5, 64);
        var known = _bytesPerToken.GetValueOrDefault(model, First);
        _bytesPerToken[model] = known + (seen - known) * Weight;
    }
}
