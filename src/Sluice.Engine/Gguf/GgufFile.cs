using System.IO.MemoryMappedFiles;
using Sluice.Core;

namespace Sluice.Engine;

/// <summary>A model file in the format GGUF, version 2 or 3, mapped into memory. Opening it reads and checks the header;
/// tensors stay where they are.</summary>
/// <remarks>May be read from any thread. The file must not be cut short while it is open, as with every mapped
/// file.</remarks>
public sealed unsafe class GgufFile : IDisposable
{
    private readonly IDisposable? _owner;
    private readonly MemoryMappedViewAccessor? _view;
    private readonly Dictionary<string, GgufTensor> _byName;

    private GgufFile(string path, byte* data, long length, MemoryMappedViewAccessor? view, IDisposable? owner)
    {
        Path = path;
        Length = length;
        var header = GgufHeader.Read(data, length, path);
        (Version, Metadata, Tensors, Alignment) = (header.Version, header.Metadata, header.Tensors, header.Alignment);
        _byName = header.ByName;
        (_view, _owner) = (view, owner);
    }

    public string Path { get; }
    public long Length { get; }
    public int Version { get; }

    /// <summary>Bytes that tensor data is aligned to, a power of two.</summary>
    public int Alignment { get; }

    public GgufMetadata Metadata { get; }

    /// <summary>In the order of the file.</summary>
    public IReadOnlyList<GgufTensor> Tensors { get; }

    /// <exception cref="InputException">There is no such file, or it is no GGUF file, or it is damaged; the message says
    /// where.</exception>
    public static GgufFile Open(string path)
    {
        if (Directory.Exists(path)) throw new InputException($"{path}: is a folder; expected a GGUF file.");
        if (!File.Exists(path)) throw new InputException($"{path}: there is no such file; expected a GGUF file.");
        try
        {
            return Map(path);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new InputException($"{path}: cannot be read: {e.Message}");
        }
    }

    /// <summary>A file that is in memory already; it must not move while it is in use.</summary>
    /// <param name="name">What messages call it.</param>
    internal static GgufFile OfMemory(byte* data, long length, string name) => new(name, data, length, null, null);

    /// <summary>Null if the file has no such tensor.</summary>
    public GgufTensor? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>A tensor that must be there, of this shape, and of a type that the engine computes with.</summary>
    /// <param name="dimensions">As <see cref="GgufTensor.Dimensions"/>; trailing ones of 1 may be left out.</param>
    public GgufTensor Tensor(string name, params ReadOnlySpan<long> dimensions)
    {
        var tensor = Find(name)
            ?? throw new InputException($"{Path}: tensor '{name}' is missing; expected [{string.Join(", ", dimensions.ToArray())}].");
        var fits = true;
        for (var i = 0; i < Math.Max(dimensions.Length, tensor.Dimensions.Length); i++)
            fits &= tensor.Dimension(i) == (i < dimensions.Length ? dimensions[i] : 1);
        if (!fits)
            throw new InputException(
                $"{Path}: tensor '{name}' is {tensor.Shape}; the metadata calls for [{string.Join(", ", dimensions.ToArray())}].");
        if (!tensor.Type.IsSupported())
            throw new InputException($"{Path}: tensor '{name}' has the type {tensor.Type}, which the engine does not compute with; "
                + $"expected one of {string.Join(", ", GgufTensorTypes.Supported)}.");
        return tensor;
    }

    public void Dispose()
    {
        if (_view is not null)
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
        }

        _owner?.Dispose();
    }

    private static GgufFile Map(string path)
    {
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        MemoryMappedFile? mapped = null;
        MemoryMappedViewAccessor? view = null;
        byte* data = null;
        try
        {
            if (stream.Length < GgufHeader.BytesMin)
                throw new InputException($"{path}: has {stream.Length} bytes; expected a GGUF file, whose header alone has "
                    + $"{GgufHeader.BytesMin}.");
            mapped = MemoryMappedFile.CreateFromFile(
                stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
            var length = stream.Length;
            view = mapped.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref data);
            return new(path, data + view.PointerOffset, length, view, mapped);
        }
        catch
        {
            if (data is not null) view!.SafeMemoryMappedViewHandle.ReleasePointer();
            view?.Dispose();
            mapped?.Dispose();
            stream.Dispose();
            throw;
        }
    }
}
