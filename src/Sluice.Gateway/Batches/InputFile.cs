using System.Buffers;
using System.Text;
using System.Text.Json;
using Sluice.Storage;

namespace Sluice.Gateway;

/// <summary>Checks an input file and puts its lines into the store, portion by portion.</summary>
internal sealed class InputFile(Store store, BatchOptions options, ILineRunner runner)
{
    /// <summary>Lines and bytes that are written at a time: enough to share a flush, little enough to hold.</summary>
    private const int PortionLines = 500, PortionBytes = 4 << 20;

    /// <summary>What an input file came to: either lines in the store, or problems.</summary>
    public sealed record Outcome(int Lines, string? Model, IReadOnlyList<LineProblem> Problems);

    public async Task<Outcome> TakeAsync(StoredBatch batch, CancellationToken cancel)
    {
        if (await store.Files.FindAsync(batch.Asked.Tenant, batch.Asked.InputFile, cancel) is not { } file)
            return new(0, null, [new("file_not_found", "The input file was deleted before it was validated.", "input_file_id")]);

        var problems = new List<LineProblem>();
        var portion = new List<BatchLine>(PortionLines);
        var ids = new HashSet<string>(StringComparer.Ordinal);
        string? model = null;
        var (lines, inputs, bytes) = (0, 0, 0);
        await using var content = store.Files.OpenRead(file);
        await foreach (var (number, line) in LineReader.ReadAsync(content, options.LineBytesMax, cancel))
        {
            if (line is not { } text)
            {
                problems.Add(new("line_too_long", $"This line has more than {options.LineBytesMax} bytes.", Line: number));
                break;
            }

            if (IsBlank(text.Span)) continue;
            if (++lines > options.LinesMax)
            {
                problems.Add(new("too_many_tasks", $"The file has more than {options.LinesMax} lines; split it.", Line: number));
                break;
            }

            if (Check(text, batch.Asked.Endpoint, ids, ref model, ref inputs, out var parsed) is { } problem)
            {
                problems.Add(problem with { Line = number });
                if (problems.Count >= options.ErrorsMax) break;
            }

            if (problems.Count > 0) continue; // Nothing will run; the rest is read for its mistakes only.
            portion.Add(new(number, parsed!.CustomId, parsed.Body.ToArray()));
            bytes += parsed.Body.Length;
            if (portion.Count < PortionLines && bytes < PortionBytes) continue;
            await store.Lines.AddAsync(batch.Id, portion, cancel);
            portion = new(PortionLines);
            bytes = 0;
        }

        if (lines == 0 && problems.Count == 0) problems.Add(new("empty_file", "The file has no lines.", "input_file_id"));
        if (problems.Count == 0 && portion.Count > 0) await store.Lines.AddAsync(batch.Id, portion, cancel);
        return new(lines, model, problems);
    }

    /// <summary>JSON array for <c>errors.data</c>.</summary>
    public static string ToJson(IReadOnlyList<LineProblem> problems)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartArray();
            foreach (var problem in problems)
            {
                json.WriteStartObject();
                json.WriteString("code"u8, problem.Code);
                json.WriteString("message"u8, problem.Message);
                json.WriteString("param"u8, problem.Param);
                if (problem.Line is { } line) json.WriteNumber("line"u8, line);
                else json.WriteNull("line"u8);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private LineProblem? Check(
        ReadOnlyMemory<byte> text, string endpoint, HashSet<string> ids, ref string? model, ref int inputs, out InputLine? parsed)
    {
        if (InputLine.Parse(text, endpoint, out parsed) is { } wrong) return wrong;
        var line = parsed!;
        if (!ids.Add(line.CustomId))
            return new("duplicate_custom_id", $"The custom_id '{line.CustomId}' was used by an earlier line.", "custom_id");
        if (model is not null && line.Model != model)
        {
            return new(
                "mismatched_model",
                $"'body.model' is '{line.Model}', but the lines before have '{model}'; a file is for one model.", "body.model");
        }

        if (model is null && !runner.Knows(line.Model))
        {
            return new(
                "model_not_found", $"The model '{line.Model}' does not exist here; GET /v1/models lists the models.",
                "body.model");
        }

        model ??= line.Model;
        inputs += line.Inputs;
        return inputs > options.EmbeddingInputsMax && line.Inputs > 0 && endpoint == "/v1/embeddings"
            ? new("too_many_inputs", $"The file has more than {options.EmbeddingInputsMax} inputs to embed; split it.", "body.input")
            : null;
    }

    private static bool IsBlank(ReadOnlySpan<byte> line) => line.Trim(" \t\r"u8).IsEmpty;
}
