namespace Sluice.Cli.Tests;

public sealed class RowTableTests
{
    private static readonly ReproductionRow[] s_rows =
    [
        new("rate sustained, one system over another on some traffic", PaperFigure.Checked("1.7-2.7×"), "1.73×", true, "A short note."),
        new("short", PaperFigure.Recalled("2×"), "-", false, string.Join(' ', Enumerable.Repeat("words", 40)) + " " + new string('x', 90)),
    ];

    [Theory]
    [InlineData(70)]
    [InlineData(100)]
    [InlineData(160)]
    public void No_line_is_wider_than_the_table(int width)
    {
        Assert.All(Print(width).Split('\n'), line => Assert.InRange(line.Length, 0, width));
    }

    [Fact]
    public void Wrapping_loses_no_word()
    {
        Assert.Equal(40, Print(100).Split([' ', '\n']).Count(word => word == "words"));
    }

    [Fact]
    public void The_last_line_counts_the_rows_that_agree()
    {
        Assert.EndsWith("1 of 2 rows agree.\n", Print(100), StringComparison.Ordinal);
    }

    private static string Print(int width)
    {
        var writer = new StringWriter();
        RowTable.Write(s_rows, writer, width);
        return writer.ToString();
    }
}
