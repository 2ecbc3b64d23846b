using System.Globalization;
using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Turns what a reader has read into a workload: sorts, slices, scales, and makes the requests.</summary>
internal static class TraceWorkload
{
    public static Workload Build(string path, TraceFormat format, TraceRows read, TraceOptions options)
    {
        if (read.Rows.Count == 0) throw new InputException(read.LeftOut == 0
            ? $"{path}: found a header and no requests, expected at least one"
            : $"{path}: all {read.LeftOut} requests have an empty prompt or an empty answer; nothing is left to serve");

        var rows = read.Rows.ToArray();
        var wasSorted = SetArrivals(path, rows, read.HasArrivals, options);
        rows = Slice(rows, options);
        if (rows.Length == 0) throw new InputException(
            $"{path}: the slice, skip and take asked for leave none of {read.Rows.Count} requests");

        Scale(path, rows, options.RateScale);
        var requests = new Request[rows.Length];
        var outputs = new int[rows.Length];
        var hasPrefixes = options.WithPrefixes && read.ContentIds.Count > 0;
        for (var i = 0; i < rows.Length; i++)
        {
            outputs[i] = Math.Min(rows[i].OutputTokens, options.MaxOutputTokens ?? int.MaxValue);
            requests[i] = ToRequest(i, rows[i], read, options, hasPrefixes);
        }

        return new()
        {
            Name = NameOf(path),
            Origin = Origin(path, format, read, options, rows.Length, wasSorted),
            Requests = requests,
            OutputTokens = outputs,
            Models = options.WithModels ? read.Models.Names : ["default"],
            Tenants = read.Tenants.Names,
            Classes = read.Classes.Names,
            PrefixBlockTokens = hasPrefixes ? options.KvBlockTokens : 0,
        };
    }

    /// <returns>False when the recorded times were not in order and the rows had to be sorted.</returns>
    private static bool SetArrivals(string path, TraceRow[] rows, bool hasArrivals, TraceOptions options)
    {
        if (options.Arrivals is { } spec)
        {
            // The recorded order stays: only the gaps are new.
            var process = ArrivalProcess.Parse(spec, options.Rng.Fork("arrivals"));
            foreach (ref var row in rows.AsSpan()) row.Ticks = process.Next().Ticks;
            return true;
        }

        if (!hasArrivals) throw new InputException(
            $"{path}: this format has lengths but no arrival times; say how requests arrive, such as --arrivals poisson:rate=2");

        var wasSorted = Sort(rows);
        var first = rows[0].Ticks;
        foreach (ref var row in rows.AsSpan()) row.Ticks -= first;
        return wasSorted;
    }

    /// <summary>By time, ties in file order.</summary>
    private static bool Sort(TraceRow[] rows)
    {
        var isSorted = true;
        for (var i = 1; i < rows.Length && isSorted; i++) isSorted = rows[i - 1].Ticks <= rows[i].Ticks;
        if (isSorted) return true;

        var keys = new (long Ticks, int Index)[rows.Length];
        for (var i = 0; i < rows.Length; i++) keys[i] = (rows[i].Ticks, i);
        Array.Sort(keys, rows);
        return false;
    }

    private static TraceRow[] Slice(TraceRow[] rows, TraceOptions options)
    {
        var from = Instant.FromSeconds(options.FromSeconds).Ticks;
        var to = options.ToSeconds >= TraceLimits.SecondsMax ? long.MaxValue : Instant.FromSeconds(options.ToSeconds).Ticks;
        var start = 0;
        while (start < rows.Length && rows[start].Ticks < from) start++;
        var end = rows.Length;
        while (end > start && rows[end - 1].Ticks >= to) end--;

        start = (int)Math.Min((long)start + options.Skip, end);
        end = (int)Math.Min((long)start + options.Take, end);
        return rows[start..end];
    }

    /// <summary>Puts the first kept arrival at 0 and divides all times by the factor.</summary>
    private static void Scale(string path, TraceRow[] rows, double rateScale)
    {
        var first = rows[0].Ticks;
        if ((rows[^1].Ticks - first) / rateScale > TraceLimits.SecondsMax * TimeSpan.TicksPerSecond)
            throw new InputException($"{path}: scaled like this the trace would last over 3,000 years");

        foreach (ref var row in rows.AsSpan())
            row.Ticks = rateScale == 1 ? row.Ticks - first : (long)Math.Round((row.Ticks - first) / rateScale);
    }

    private static Request ToRequest(int index, in TraceRow row, TraceRows read, TraceOptions options, bool hasPrefixes) =>
        new()
        {
            Id = new(index),
            Model = new(options.WithModels ? row.Model : 0),
            Tenant = new(row.Tenant),
            Class = new(row.Class),
            Arrival = new(row.Ticks),
            Slo = row.Slo ?? Slo.BestEffort,
            PromptTokens = row.PromptTokens,
            MaxOutputTokens = options.MaxOutputTokens ?? row.OutputTokens,
            PromptBlocks = hasPrefixes ? PromptBlocks(row, read, options.KvBlockTokens) : default,
            Media = row.Images == 0 ? null : Images(row, options),
        };

    private static ReadOnlyMemory<ulong> PromptBlocks(in TraceRow row, TraceRows read, int kvBlockTokens)
    {
        var known = Math.Min(row.PromptTokens, (long)row.ContentCount * read.ContentBlockTokens);
        var blocks = new ulong[known / kvBlockTokens];
        var hasher = new PrefixHasher(blocks, kvBlockTokens);
        for (var i = 0; i < row.ContentCount; i++)
        {
            var tokens = Math.Min(known - (long)i * read.ContentBlockTokens, read.ContentBlockTokens);
            if (tokens <= 0) break;
            hasher.Append((ulong)read.ContentIds[row.ContentStart + i], offset: 0, (int)tokens);
        }

        return blocks;
    }

    /// <summary>The images' tokens are taken to be counted in the prompt's, so they never exceed it; one token is left for
    /// text.</summary>
    private static MediaWork Images(in TraceRow row, TraceOptions options) => new(
        MediaKind.Image, row.Images,
        EncoderTokens: (int)Math.Min((long)row.Images * options.TokensPerImage, row.PromptTokens - 1),
        Preparation: options.PreparationPerImage * row.Images);

    private static string NameOf(string path)
    {
        var name = Path.GetFileName(path);
        foreach (var extension in (string[])[".gz", ".csv", ".jsonl", ".json", ".txt"])
            if (name.Length > extension.Length && name.EndsWith(extension, StringComparison.OrdinalIgnoreCase))
                name = name[..^extension.Length];
        return name;
    }

    private static string Origin(
        string path, TraceFormat format, TraceRows read, TraceOptions options, int kept, bool wasSorted)
    {
        var known = TraceFormats.All.First(entry => entry.Format == format).Name;
        var text = string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(path)} ({known}), {kept} requests");
        if (kept < read.Rows.Count) text += string.Create(CultureInfo.InvariantCulture, $" of {read.Rows.Count}");
        if (read.LeftOut > 0) text += string.Create(
            CultureInfo.InvariantCulture, $"; {read.LeftOut} failed or empty ones left out");
        if (!wasSorted) text += "; recorded out of order, sorted by time";
        if (options.Arrivals is { } arrivals) text += $"; arrivals {arrivals}";
        if (options.RateScale != 1) text += string.Create(CultureInfo.InvariantCulture, $"; rate x {options.RateScale}");
        if (options.MaxOutputTokens is { } cap) text += string.Create(
            CultureInfo.InvariantCulture, $"; answers cut at {cap} tokens");
        return text;
    }
}
