using System.Globalization;
using System.Text.Json;
using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Reads a <c>chunk-N-dataset.json</c>: for each window of six hours, maps from token counts to
/// probabilities.</summary>
/// <remarks>Text clients have input_tokens; multimodal ones text_tokens, and tokens and counts of images, videos and audio,
/// where the tokens are taken to be those of one item. Output tokens include the reasoning. Windows without data borrow from
/// the nearest earlier one that has some, else from the first that has.</remarks>
internal sealed class ServeGenLengths
{
    private static readonly (MediaKind Kind, string Name, TimeSpan Preparation)[] s_modalities =
    [
        (MediaKind.Image, "image", TimeSpan.FromMilliseconds(20)), // Preparation times are assumed.
        (MediaKind.Video, "video", TimeSpan.FromMilliseconds(500)),
        (MediaKind.Audio, "audio", TimeSpan.FromMilliseconds(50)),
    ];

    private readonly List<Window> _windows = [];

    /// <summary>False when no window has both prompts and answers.</summary>
    public bool HasData => _windows.Count > 0;

    /// <exception cref="InputException">The file cannot be read.</exception>
    public static ServeGenLengths Read(string path)
    {
        var lengths = new ServeGenLengths();
        try
        {
            using var stream = File.OpenRead(path);
            using var json = JsonDocument.Parse(stream);
            if (json.RootElement.ValueKind != JsonValueKind.Object)
                throw new InputException($"{path}: expected a JSON object of windows");
            foreach (var window in json.RootElement.EnumerateObject()) lengths.Add(path, window);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read as a ServeGen dataset: {e.Message}");
        }

        lengths._windows.Sort(static (a, b) => a.StartSeconds.CompareTo(b.StartSeconds));
        return lengths;
    }

    /// <returns>Output 0 where the recording holds a request without an answer.</returns>
    public (int PromptTokens, int OutputTokens, MediaWork? Media) Draw(double seconds, ref Rng rng)
    {
        var at = 0;
        while (at + 1 < _windows.Count && _windows[at + 1].StartSeconds <= seconds) at++;
        var window = _windows[at];

        var text = window.Prompt.Draw(ref rng);
        var output = window.Output.Draw(ref rng);
        var media = DrawMedia(window, ref rng);
        return (Math.Max(1, text) + (media?.EncoderTokens ?? 0), output, media);
    }

    private static MediaWork? DrawMedia(Window window, ref Rng rng)
    {
        var (kind, items, tokens, preparation) = (MediaKind.None, 0, 0, TimeSpan.Zero);
        for (var m = 0; m < s_modalities.Length; m++)
        {
            if (window.Media[m] is not { } media) continue;

            var count = Math.Min(media.Count.Draw(ref rng), 1000);
            for (var i = 0; i < count; i++)
                tokens = Math.Min(tokens + media.Tokens.Draw(ref rng), TraceLimits.TokensMax - 1);
            if (count > 0 && kind == MediaKind.None) kind = s_modalities[m].Kind;
            (items, preparation) = (items + count, preparation + s_modalities[m].Preparation * count);
        }

        return items == 0 ? null : new(kind, items, tokens, preparation);
    }

    private void Add(string path, JsonProperty window)
    {
        if (window.Value.ValueKind != JsonValueKind.Object
            || !int.TryParse(window.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var start))
            throw new InputException($"{path}: found the window '{window.Name}', expected its start in seconds and an object");

        var prompt = Map("input_tokens") ?? Map("text_tokens");
        var output = Map("output_tokens");
        if (prompt is null || output is null) return;

        var media = new (TokenMap, TokenMap)?[s_modalities.Length];
        for (var m = 0; m < media.Length; m++)
            if (Map(s_modalities[m].Name + "_count") is { } count && Map(s_modalities[m].Name + "_tokens") is { } tokens)
                media[m] = (count, tokens);
        _windows.Add(new(start, prompt, output, media));

        TokenMap? Map(string name)
        {
            if (!window.Value.TryGetProperty(name, out var value)) return null;
            var map = value.ValueKind == JsonValueKind.String ? TokenMap.TryParse(value.GetString()!) : null;
            if (map is null) throw new InputException(
                $"{path}: window '{window.Name}', '{name}': expected a map such as \"{{102: 0.25, 103: 0.75}}\"");
            return map.IsEmpty ? null : map;
        }
    }

    private sealed record Window(
        double StartSeconds, TokenMap Prompt, TokenMap Output, (TokenMap Count, TokenMap Tokens)?[] Media);
}
