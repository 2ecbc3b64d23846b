using System.Buffers;
using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>The lines of a text file, plain or gzipped (told by content, not by name), as UTF-8 bytes without
/// copying.</summary>
/// <remarks>Skips a byte order mark, accepts CRLF. A line returned by <see cref="Current"/> is valid until the next
/// <see cref="MoveNext"/>. Every fault of the file or of reading it becomes an <see cref="InputException"/> that names
/// the file.</remarks>
internal sealed class TraceLines : IDisposable
{
    private readonly Stream _stream;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(1 << 18);
    private int _start;
    private int _end;
    private int _lineStart;
    private int _lineLength;
    private bool _atEnd;

    /// <exception cref="InputException">The file is missing, unreadable or empty.</exception>
    public TraceLines(string path)
    {
        Path = path;
        _stream = Open(path);
        Fill();
        if (_end == 0) throw new InputException($"{path}: the file is empty");
        if (Rest.StartsWith("\uFEFF"u8)) _start = 3;
    }

    public string Path { get; }

    /// <summary>Counted from 1.</summary>
    public int Number { get; private set; }

    public ReadOnlySpan<byte> Current => _buffer.AsSpan(_lineStart, _lineLength);

    private ReadOnlySpan<byte> Rest => _buffer.AsSpan(_start, _end - _start);

    /// <summary>Goes to the next line that is not blank.</summary>
    /// <exception cref="InputException">A blank line has data behind it, a line is absurdly long, or the gzip data is
    /// damaged.</exception>
    public bool MoveNext()
    {
        var blankAt = 0;
        while (Next())
        {
            if (!Current.Trim(" \t"u8).IsEmpty)
                return blankAt == 0
                    ? true
                    : throw At(blankAt, "found a blank line, expected data; only the end may be blank");
            if (blankAt == 0) blankAt = Number;
        }

        return false;
    }

    /// <summary>A complaint about the current line.</summary>
    public InputException Error(string message) => At(Number, message);

    private InputException At(int line, string message) => new($"{Path}:{line}: {message}");

    private bool Next()
    {
        var searched = 0;
        while (true)
        {
            var newline = Rest[searched..].IndexOf((byte)'\n');
            if (newline >= 0) return Take(searched + newline, separator: 1);
            searched = _end - _start;
            if (_atEnd) return searched > 0 && Take(searched, separator: 0);
            Fill();
        }
    }

    private bool Take(int length, int separator)
    {
        _lineStart = _start;
        _lineLength = length > 0 && _buffer[_start + length - 1] == '\r' ? length - 1 : length;
        _start += length + separator;
        Number++;
        return true;
    }

    private void Fill()
    {
        MakeRoom();
        try
        {
            var read = _stream.Read(_buffer, _end, _buffer.Length - _end);
            _end += read;
            _atEnd = read == 0;
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            throw At(Number + 1, $"the file is damaged or cut short: {e.Message}");
        }
    }

    private void MakeRoom()
    {
        if (_start > 0)
        {
            Rest.CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        if (_end < _buffer.Length) return;
        if (_end >= TraceLimits.LineBytesMax)
            throw At(Number + 1, $"found over {TraceLimits.LineBytesMax >> 20} MiB in a line, expected one request per line");

        var larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
        Rest.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }

    private static Stream Open(string path)
    {
        try
        {
            var file = File.OpenRead(path);
            Span<byte> magic = stackalloc byte[2];
            var isGzip = file.ReadAtLeast(magic, 2, throwOnEndOfStream: false) == 2 && magic is [0x1F, 0x8B];
            file.Position = 0;
            return isGzip ? new WholeGzipStream(file) : file;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputException($"{path}: there is no such file");
        }
        catch (Exception e)
            when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new InputException($"{path}: cannot be read: {e.Message}");
        }
    }

    public void Dispose()
    {
        _stream.Dispose();
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }
}
