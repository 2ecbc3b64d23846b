using System.Text.Json;
using System.Threading.Channels;
using Sluice.Core;

namespace Sluice.Gateway;

/// <summary>Writes a line for every request that ends, in files of bounded size, the oldest of which are deleted.</summary>
/// <remarks>Lines are made on the loop's writer and written by a worker of their own, a few at a time. When the disk cannot keep up,
/// the newest lines are lost and counted, never the service held up.</remarks>
public sealed class JournalWriter : IEventSink
{
    /// <summary>Lines waiting to be written: some seconds of a busy gateway.</summary>
    private const int WaitingMax = 65_536;

    private readonly Channel<JournalLine> _lines = Channel.CreateBounded<JournalLine>(
        new BoundedChannelOptions(WaitingMax) { FullMode = BoundedChannelFullMode.Wait, SingleReader = true });

    private readonly GatewayServices _gateway;
    private readonly string _folder;
    private readonly long _fileBytesMax;
    private readonly int _filesMax;
    private readonly double _epoch;
    private readonly string _settings;
    private long _lost;

    /// <param name="folder">Made when it is missing.</param>
    /// <param name="fileBytesMax">A file that has grown beyond it is followed by a new one. 64 MiB are some 200,000 requests.</param>
    /// <param name="filesMax">Files kept.</param>
    public JournalWriter(GatewayServices gateway, string folder, long fileBytesMax = 64 << 20, int filesMax = 16)
    {
        (_gateway, _folder, _fileBytesMax, _filesMax) = (gateway, folder, fileBytesMax, filesMax);
        var time = gateway.Loop.Time;
        _settings = string.Join(',', gateway.Options.SettingsInUse.Select(s => $"{s.Key}={s.Value}"));
        _epoch = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalSeconds - gateway.Loop.Now.Seconds;
        Directory.CreateDirectory(folder);
        gateway.Loop.Events.Add(this);
    }

    /// <summary>Lines that were not written because the disk was too slow.</summary>
    public long Lost => Interlocked.Read(ref _lost);

    public void Emit(in SluiceEvent e)
    {
        var outcome = e.Kind switch
        {
            EventKind.Finished => "finished",
            EventKind.Cancelled => "cancelled",
            EventKind.Failed => "failed",
            EventKind.Rejected => "rejected",
            _ => null,
        };
        if (outcome is null || _gateway.Loop.Find(e.Request) is not { } live) return;

        var output = e.Kind is EventKind.Finished or EventKind.Cancelled ? e.Amount : live.OutputTokens;
        var firstToken = live.FirstTokenAt == Instant.Never && e.Kind == EventKind.Finished ? e.At : live.FirstTokenAt;
        var line = new JournalLine(
            outcome, live.Call.Model, _gateway.Options.Classes[live.Call.Class].Name, live.Call.Tenant.Index, live.Call.Slo, live.ArrivedAt,
            live.DispatchedAt, firstToken, e.At, live.Call.PromptTokens, output, live.EngineName, live.Evictions,
            e.Kind == EventKind.Finished && RequestStats.IsMet(live, firstToken, e.At, output));
        if (!_lines.Writer.TryWrite(line)) Interlocked.Increment(ref _lost);
    }

    /// <summary>Writes until it is told to stop, and then what is left.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        FileStream? file = null;
        try
        {
            while (await WaitAsync(stop).ConfigureAwait(false))
            {
                file ??= Open();
                WriteWaiting(file);
                await file.FlushAsync(CancellationToken.None).ConfigureAwait(false);
                if (file.Length < _fileBytesMax) continue;
                await file.DisposeAsync().ConfigureAwait(false);
                file = null;
            }

            if (_lines.Reader.Count > 0) WriteWaiting(file ??= Open());
        }
        finally
        {
            _gateway.Loop.Events.Remove(this);
            if (file is not null) await file.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task<bool> WaitAsync(CancellationToken stop)
    {
        try
        {
            return await _lines.Reader.WaitToReadAsync(stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private void WriteWaiting(FileStream file)
    {
        using var json = new Utf8JsonWriter(file, new JsonWriterOptions { SkipValidation = true });
        while (_lines.Reader.TryRead(out var line))
        {
            line.Write(json, _epoch, _gateway.Options.System, _settings);
            json.Flush();
            json.Reset();
            file.WriteByte((byte)'\n');
        }
    }

    /// <summary>The next file, numbered so that names sort by age; the oldest go.</summary>
    private FileStream Open()
    {
        string[] old = [.. Directory.EnumerateFiles(_folder, "journal-*.jsonl").Order(StringComparer.Ordinal)];
        foreach (var file in old.SkipLast(_filesMax - 1)) File.Delete(file);
        var newest = old.Length == 0 ? "0" : Path.GetFileNameWithoutExtension(old[^1])["journal-".Length..];
        var last = int.TryParse(newest, out var number) ? number : old.Length;
        return new FileStream(
            Path.Combine(_folder, $"journal-{last + 1:D6}.jsonl"), FileMode.CreateNew, FileAccess.Write, FileShare.Read, 1 << 16);
    }
}
