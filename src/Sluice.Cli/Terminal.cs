using System.Text;

namespace Sluice.Cli;

/// <summary>Where a command writes, and how it learns that it should stop.</summary>
public sealed record Terminal(TextWriter Out, TextWriter Error)
{
    /// <summary>Columns of tables where there is no terminal.</summary>
    public const int UsualWidth = 120;

    private const int WidthMin = 72;
    private const int WidthMax = 160;

    /// <summary>Columns that tables may take.</summary>
    public int Width { get; init; } = UsualWidth;

    /// <summary>Whether somebody sees <see cref="Error"/> as it is written.</summary>
    public bool ShowsProgress { get; init; }

    /// <summary>Where a text that is not an argument comes from; null where there is nothing to read.</summary>
    public TextReader? In { get; init; }

    /// <summary>Whether somebody sees <see cref="Out"/> as it is written.</summary>
    public bool IsInteractive { get; init; }

    /// <summary>Ctrl-C.</summary>
    public CancellationToken Stop { get; init; }

    public static Terminal OfProcess(CancellationToken stop = default) => new(Console.Out, Console.Error)
    {
        Width = Console.IsOutputRedirected ? UsualWidth : WindowWidth(),
        ShowsProgress = !Console.IsErrorRedirected,
        IsInteractive = !Console.IsOutputRedirected,
        Stop = stop,
        In = Console.In,
    };

    /// <summary>Writes UTF-8 that a writer of streams makes, in one piece and with a line end.</summary>
    public void WriteText(Action<Stream> write)
    {
        using var buffer = new MemoryStream();
        write(buffer);
        Out.Write(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length) + "\n");
        Out.Flush();
    }

    /// <summary>All of standard input, at most a few million characters.</summary>
    /// <exception cref="Sluice.Core.InputException">There is none, or too much.</exception>
    public string ReadInput()
    {
        const int CharactersMax = 1 << 24;
        var text = new char[4096];
        var all = new StringBuilder();
        while (In?.Read(text, 0, text.Length) is > 0 and var read)
        {
            all.Append(text, 0, read);
            if (all.Length > CharactersMax)
                throw new Core.InputException($"standard input: more than {CharactersMax:#,##0} characters.");
        }

        return all.ToString();
    }

    private static int WindowWidth()
    {
        try
        {
            return Console.WindowWidth > 0 ? Math.Clamp(Console.WindowWidth, WidthMin, WidthMax) : UsualWidth;
        }
        catch (IOException)
        {
            return UsualWidth;
        }
    }
}
