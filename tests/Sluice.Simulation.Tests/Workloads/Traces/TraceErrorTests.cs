using Sluice.Core;

namespace Sluice.Simulation.Tests;

/// <summary>Every way a trace can be wrong, and what its reader says about it.</summary>
public sealed class TraceErrorTests
{
    private const string Header = "arrived_at,num_prefill_tokens,num_decode_tokens\n";

    [Theory]
    [InlineData("1,abc,3", "column 'num_prefill_tokens' (2): found 'abc', expected a whole number from 0 to 10000000")]
    [InlineData("1,-4,3", "column 'num_prefill_tokens' (2): found '-4', expected a whole number from 0 to 10000000")]
    [InlineData("1,4,10000001", "column 'num_decode_tokens' (3): found '10000001', expected a whole number from 0 to 10000000")]
    [InlineData("1,4.5,3", "column 'num_prefill_tokens' (2): found '4.5', expected a whole number from 0 to 10000000")]
    [InlineData("1,,3", "column 'num_prefill_tokens' (2): found nothing, expected a whole number from 0 to 10000000")]
    [InlineData("NaN,4,3", "column 'arrived_at' (1): found 'NaN', expected a time from 0 to 1e11 seconds")]
    [InlineData("Infinity,4,3", "column 'arrived_at' (1): found 'Infinity', expected a time from 0 to 1e11 seconds")]
    [InlineData("1e400,4,3", "column 'arrived_at' (1): found '1e400', expected a time from 0 to 1e11 seconds")]
    [InlineData("-1,4,3", "column 'arrived_at' (1): found '-1', expected a time from 0 to 1e11 seconds")]
    [InlineData("1,4", "found 2 fields, expected 3 (arrived_at, num_prefill_tokens, num_decode_tokens)")]
    [InlineData("1,4,3,2", "found 4 fields, expected 3 (arrived_at, num_prefill_tokens, num_decode_tokens)")]
    [InlineData("1,\"4,3", "found a quote that is not closed, expected it on the same line")]
    public void A_bad_row_is_named_by_file_line_and_column(string row, string complaint)
    {
        Assert.Equal($"t.csv:3: {complaint}", TempTrace.Complaint($"{Header}1,2,3\n{row}\n1,2,3\n"));
    }

    [Theory]
    [InlineData("yesterday")]
    [InlineData("2023-13-16 18:15:46")]
    [InlineData("2023-02-30 18:15:46.1")]
    [InlineData("2023-11-16 18:15:46.")]
    [InlineData("2023-11-16 18:15:46+1:00")]
    [InlineData("2023-11-16 24:15:46")]
    public void A_bad_wall_clock_is_shown_with_a_good_one(string time)
    {
        Assert.Equal(
            $"t.csv:2: column 'TIMESTAMP' (1): found '{time}', expected a time such as 2023-11-16 18:17:03.9799600",
            TempTrace.Complaint($"TIMESTAMP,ContextTokens,GeneratedTokens\n{time},1,2\n"));
    }

    [Theory]
    [InlineData("""{"timestamp": -5, "input_length": 1, "output_length": 1}""",
        "column 15: found '-5', expected 'timestamp' to be a time from 0 to 1e11 seconds")]
    [InlineData("""{"timestamp": 5, "input_length": "x", "output_length": 1}""",
        "column 34: found 'x', expected 'input_length' to be a whole number from 0 to 10000000")]
    [InlineData("""{"timestamp": 5, "input_length": 1}""", "found no 'output_length', expected it in every object")]
    [InlineData("""{"timestamp": 5, "input_length": 1, "output_length": 1, "hash_ids": 7}""",
        "column 69: found '7', expected 'hash_ids' to be an array")]
    [InlineData("""{"timestamp": 5, "input_length": 1, "output_length": 1, "hash_ids": [1.5]}""",
        "column 70: found '1.5', expected 'hash_ids' to hold whole numbers")]
    [InlineData("""[1]""", "column 1: found '[', expected a JSON object")]
    public void A_bad_json_line_is_named_by_file_line_and_column(string line, string complaint)
    {
        Assert.Equal($"t.csv:3: {complaint}", TempTrace.Complaint(TinyTraces.Mooncake.TrimEnd() + $"\n{line}\n"));
    }

    [Fact]
    public void Broken_json_is_named_by_line_and_column()
    {
        var complaint = TempTrace.Complaint(TinyTraces.Mooncake.TrimEnd() + "\n{\"timestamp\": 5,,}\n");
        Assert.StartsWith("t.csv:3: column 17: expected one JSON object per line: ", complaint, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_column_is_named_beside_those_found()
    {
        Assert.Equal(
            "t.csv:1: found the columns arrived_at, num_prefill_tokens; expected a column 'num_decode_tokens'",
            TempTrace.Complaint("arrived_at,num_prefill_tokens\n1,2\n", TraceFormat.Csv));
    }

    [Fact]
    public void An_unknown_header_lists_every_format_in_one_line()
    {
        var complaint = TempTrace.Complaint("a,b,c\n1,2,3\n");

        Assert.StartsWith("t.csv:1: found 'a,b,c', expected the first line of one of the formats azure, ", complaint, StringComparison.Ordinal);
        foreach (var (_, name, _) in TraceFormats.All) Assert.Contains(name, complaint, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', complaint);
    }

    [Fact]
    public void Files_without_requests_are_refused_with_the_reason()
    {
        Assert.Equal("t.csv: the file is empty", TempTrace.Complaint(""));
        Assert.Equal("t.csv: the file holds only blank lines", TempTrace.Complaint("\r\n \n"));
        Assert.Equal("t.csv: found a header and no requests, expected at least one", TempTrace.Complaint(Header));
        Assert.Equal(
            "t.csv: all 1 requests have an empty prompt or an empty answer; nothing is left to serve",
            TempTrace.Complaint($"{Header}1,5,0\n"));
        Assert.Contains("poisson:rate=2", TempTrace.Complaint(TinyTraces.Lengths), StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_and_a_folder_are_said_to_be_so()
    {
        using var file = new TempTrace("x");
        Assert.EndsWith(".none: there is no such file", Message(file.FilePath + ".none"), StringComparison.Ordinal);
        Assert.Contains(": cannot be read: ", Message(Path.GetDirectoryName(file.FilePath)!), StringComparison.Ordinal);

        static string Message(string path) =>
            Assert.Throws<InputException>(() => TraceReader.Read(path, TraceFormat.Auto, new())).Message;
    }

    [Fact]
    public void A_blank_line_inside_the_data_is_an_error_and_at_the_end_is_not()
    {
        Assert.Equal(
            "t.csv:3: found a blank line, expected data; only the end may be blank",
            TempTrace.Complaint($"{Header}1,2,3\n\n\n1,2,3\n"));
    }

    [Fact]
    public void A_cut_gzip_file_is_an_error_at_every_length()
    {
        var whole = TempTrace.Gzip(Header + string.Concat(Enumerable.Range(0, 200).Select(i => $"{i},{i * 7919 % 997 + 1},3\n")));
        for (var length = 3; length < whole.Length; length += 7)
            Assert.StartsWith("t.csv:", TempTrace.Complaint(whole[..length]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_format_name_that_is_misspelt_gets_the_nearest_one()
    {
        Assert.Equal(TraceFormat.Mooncake, TraceFormats.Parse("mooncake"));
        var complaint = Assert.Throws<InputException>(() => TraceFormats.Parse("moncake")).Message;
        Assert.StartsWith("trace format 'moncake': did you mean 'mooncake'? known: auto, azure,", complaint, StringComparison.Ordinal);
    }
}
