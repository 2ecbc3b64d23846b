#pragma warning disable OPENAI001 // The client calls its batches experimental.
using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text;
using System.Text.Json;
using OpenAI;
using OpenAI.Batch;
using OpenAI.Files;

namespace Sluice.Gateway.Tests;

/// <summary>OpenAI's own client for .NET, as it is.</summary>
public sealed class OpenAiBatchTests
{
    [Fact]
    public async Task The_official_client_uploads_runs_and_reads_a_batch()
    {
        await using var gateway = await BatchGateway.StartAsync(new FakeUpstream());
        var client = new OpenAIClient(
            new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new Uri(gateway.Gateway.Address, "v1") });
        var files = client.GetOpenAIFileClient();
        var batches = client.GetBatchClient();

        OpenAIFile file = await files.UploadFileAsync(
            BinaryData.FromString(BatchGateway.Lines(20)), "lines.jsonl", FileUploadPurpose.Batch);
        Assert.Equal("lines.jsonl", file.Filename);
        Assert.Contains((await files.GetFilesAsync(FilePurpose.Batch)).Value, f => f.Id == file.Id);

        var operation = await batches.CreateBatchAsync(
            BinaryContent.Create(BinaryData.FromObjectAsJson(
                new { input_file_id = file.Id, endpoint = "/v1/chat/completions", completion_window = "24h" })),
            waitUntilCompleted: false);
        await gateway.UntilAsync(operation.BatchId, "completed");

        var shown = await batches.GetBatchAsync(operation.BatchId, new RequestOptions());
        var output = JsonDocument.Parse(shown.GetRawResponse().Content).RootElement.GetProperty("output_file_id").GetString()!;
        var content = Encoding.UTF8.GetString((await files.DownloadFileAsync(output)).Value);
        Assert.Equal(20, content.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);

        FileDeletionResult deleted = await files.DeleteFileAsync(file.Id);
        Assert.True(deleted.Deleted);
    }
}
