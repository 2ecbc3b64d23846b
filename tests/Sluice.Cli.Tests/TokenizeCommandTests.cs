using Sluice.Testing;

namespace Sluice.Cli.Tests;

public sealed class TokenizeCommandTests
{
    [Fact]
    public void Tokens_are_listed_with_kind_and_text()
    {
        using var model = new TestModelFile(new GgufWriter().AddSentencePiece());

        var lines = Shell.Succeed("tokenize", model.Path, "the é<|user|>").Out.Split('\n');

        Assert.Equal("id  kind          text", lines[0].TrimStart());
        Assert.Contains("1  control       \"<s>\"", lines[2], StringComparison.Ordinal);
        Assert.Contains(lines, line => line.EndsWith("byte          0xC3", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.EndsWith("user-defined  \"<|user|>\"", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.EndsWith(" tokens of 13 characters, 14 bytes", StringComparison.Ordinal));
    }

    [Fact]
    public void Json_goes_there_and_back()
    {
        using var model = new TestModelFile(new GgufWriter().AddByteLevel());

        var there = Shell.Succeed("tokenize", model.Path, "the <|im_end|> \"é\"", "--json").Json;
        var ids = string.Join(',', there.GetProperty("ids").EnumerateArray());
        var plain = Shell.Succeed("tokenize", model.Path, "the <|im_end|>", "--json", "--no-special").Json;

        Assert.Equal("the <|im_end|> \"é\"", there.GetProperty("text").GetString());
        Assert.Equal(there.GetProperty("ids").GetArrayLength(), there.GetProperty("pieces").GetArrayLength());
        Assert.Equal("the <|im_end|> \"é\"\n", Shell.Succeed("tokenize", model.Path, "--decode", ids).Out.ReplaceLineEndings("\n"));
        Assert.True(plain.GetProperty("ids").GetArrayLength() > 3);
    }

    [Theory]
    [InlineData("tokenize: there is nothing to do; expected a TEXT, or --decode IDS.")]
    [InlineData("tokenize: TEXT and --decode exclude each other; expected one of them.", "text", "--decode", "1")]
    [InlineData("--decode: '9999' is no token; expected ids from 0 to", "--decode", "1,9999")]
    [InlineData("--decode: '-1' is no token; expected ids from 0 to", "--decode", "-1")]
    public void Wrong_arguments_say_what_would_be_right(string message, params string[] args)
    {
        using var model = new TestModelFile(new GgufWriter().AddByteLevel());

        var ran = Shell.Run(["tokenize", model.Path, .. args]);

        Assert.Equal(ExitCodes.BadInput, ran.Code);
        Assert.Contains(message, ran.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_no_model_is_refused()
    {
        using var folder = new TempFolder();

        var ran = Shell.Run("tokenize", folder.Write("notes.gguf", "these are thirty-two bytes or more"), "text");

        Assert.Equal(ExitCodes.BadInput, ran.Code);
        Assert.EndsWith("expected 0x46554747 ('GGUF').\n", ran.Error.ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }
}
