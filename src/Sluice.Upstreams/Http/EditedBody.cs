using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Sluice.Upstreams;

/// <summary>A request's body in pieces, sent without being put together.</summary>
internal sealed class EditedBody : HttpContent
{
    private static readonly MediaTypeHeaderValue s_json = new("application/json");

    private readonly IReadOnlyList<ReadOnlyMemory<byte>> _pieces;

    public EditedBody(IReadOnlyList<ReadOnlyMemory<byte>> pieces)
    {
        _pieces = pieces;
        Headers.ContentType = s_json;
    }

    public override string ToString() => string.Concat(_pieces.Select(p => Encoding.UTF8.GetString(p.Span)));

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, default);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        foreach (var piece in _pieces) await stream.WriteAsync(piece, cancellationToken).ConfigureAwait(false);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _pieces.Sum(p => (long)p.Length);
        return true;
    }
}
