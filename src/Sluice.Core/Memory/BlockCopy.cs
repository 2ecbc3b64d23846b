namespace Sluice.Core;

public enum BlockCopyKind : byte { DeviceToDevice, DeviceToHost, HostToDevice }

/// <summary>One block whose K and V a model runner must copy before the next step.</summary>
/// <param name="Source">Block id, on the device or the host as <paramref name="Kind"/> says.</param>
/// <param name="Target">Block id, likewise.</param>
public readonly record struct BlockCopy(int Source, int Target, BlockCopyKind Kind);
