using System.Globalization;
using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>A mix of real clients, each with its own rate, burstiness and lengths over time:
/// <c>servegen:dir=PATH,duration=10m,start=12h,scale=1</c>.</summary>
/// <remarks>
/// Source: ServeGen (Alibaba), its published client data, unpacked: pairs of chunk-N-trace.csv and chunk-N-dataset.json in
/// the folder or below it. Clients that lack a half, or any data, are passed over and counted. <c>start</c> is where in the
/// recording to begin; <c>scale</c> multiplies every client's rate. Each client becomes a tenant. Also <c>cap</c> and
/// <c>max-total</c> as for generated workloads, where longer prompts are left out instead of cut.
/// </remarks>
internal static class ServeGenWorkload
{
    private const int RequestsMax = 20_000_000;
    private const string TraceSuffix = "-trace.csv";
    private const string DatasetSuffix = "-dataset.json";

    public static Workload Create(Spec spec, Rng rng)
    {
        var folder = spec.Text("dir");
        var duration = spec.Duration("duration").TotalSeconds;
        var start = spec.Duration("start", TimeSpan.Zero).TotalSeconds;
        var scale = spec.Number("scale", 1e-6, 1e6, fallback: 1);
        var totalMax = spec.Count("max-total", 2, TraceLimits.TokensMax * 2, TraceLimits.TokensMax * 2);
        int? cap = spec.Has("cap") ? spec.Count("cap", 1, TraceLimits.TokensMax) : null;
        spec.Finish();

        var clients = ReadClients(folder, out var passedOver);
        var drafts = new List<Draft>();
        var leftOut = 0;
        for (var c = 0; c < clients.Count; c++)
        {
            var stream = rng.Fork(clients[c].Name);
            var lengths = stream.Fork("lengths");
            foreach (var seconds in clients[c].Arrivals(start, start + duration, scale, stream.Fork("arrivals")))
            {
                if (drafts.Count == RequestsMax)
                    throw spec.Error($"makes over {RequestsMax} requests; shorten the duration or the scale");

                var (prompt, output, media) = clients[c].Draw(seconds, ref lengths);
                var isServed = output > 0 && prompt < totalMax;
                if (isServed) drafts.Add(new(
                    Instant.FromSeconds(seconds - start), drafts.Count, c, prompt,
                    Math.Min(output, Math.Min(totalMax - prompt, cap ?? int.MaxValue)), media));
                else leftOut++;
            }
        }

        if (drafts.Count == 0) throw spec.Error("makes no request: the clients are silent in this part of the recording");

        // By time; a tie goes to the earlier client.
        drafts.Sort(static (a, b) => (a.Arrival.Ticks, a.Index).CompareTo((b.Arrival.Ticks, b.Index)));
        return new()
        {
            Name = $"servegen {Path.GetFileName(Path.TrimEndingDirectorySeparator(folder))}",
            Origin = string.Create(CultureInfo.InvariantCulture,
                $"ServeGen, {clients.Count} clients ({passedOver} without data passed over), from {start} s for {duration} s,"
                + $" rate x {scale}, {drafts.Count} requests ({leftOut} without an answer or too long left out)"),
            Requests = [.. drafts.Select((draft, i) => draft.ToRequest(i, cap))],
            OutputTokens = [.. drafts.Select(draft => draft.OutputTokens)],
            Tenants = [.. clients.Select(client => client.Name)],
        };
    }

    private static List<ServeGenClient> ReadClients(string folder, out int passedOver)
    {
        passedOver = 0;
        var clients = new List<ServeGenClient>();
        foreach (var stem in FindStems(folder))
        {
            if (!File.Exists(stem + TraceSuffix) || !File.Exists(stem + DatasetSuffix))
            {
                passedOver++;
                continue;
            }

            var windows = ServeGenRates.Read(stem + TraceSuffix);
            var lengths = ServeGenLengths.Read(stem + DatasetSuffix);
            if (lengths.HasData) clients.Add(new(Path.GetFileName(stem), windows, lengths));
            else passedOver++;
        }

        return clients;
    }

    /// <summary>Paths without the suffix, in order of folder and number.</summary>
    private static List<string> FindStems(string folder)
    {
        try
        {
            var stems = Directory.EnumerateFiles(folder, "chunk-*", SearchOption.AllDirectories)
                .Select(Stem).OfType<string>().Distinct(StringComparer.Ordinal)
                .OrderBy(Path.GetDirectoryName, StringComparer.Ordinal)
                .ThenBy(stem => stem.Length).ThenBy(stem => stem, StringComparer.Ordinal)
                .ToList();
            return stems.Count > 0 ? stems : throw new InputException(
                $"{folder}: found no chunk-N{TraceSuffix} with a chunk-N{DatasetSuffix}; unpack the ServeGen archive first");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new InputException($"{folder}: cannot be read as a folder: {e.Message}");
        }

        static string? Stem(string path) =>
            path.EndsWith(TraceSuffix, StringComparison.Ordinal) ? path[..^TraceSuffix.Length]
            : path.EndsWith(DatasetSuffix, StringComparison.Ordinal) ? path[..^DatasetSuffix.Length]
            : null;
    }

    private readonly record struct Draft(
        Instant Arrival, int Index, int Client, int PromptTokens, int OutputTokens, MediaWork? Media)
    {
        public Request ToRequest(int id, int? cap) => new()
        {
            Id = new(id),
            Tenant = new(Client),
            Arrival = Arrival,
            PromptTokens = PromptTokens,
            MaxOutputTokens = cap ?? OutputTokens,
            Media = Media,
        };
    }
}
