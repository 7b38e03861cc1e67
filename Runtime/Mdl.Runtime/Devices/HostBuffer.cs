namespace Mdl.Runtime.Devices;

/// <summary>The one memory of a host device.</summary>
internal sealed unsafe class HostBuffer(long floats) : DeviceBuffer
{
    private readonly Arena _arena = new(checked(floats * sizeof(float)));

    public override long Length => floats;

    public override long Bytes => _arena.Bytes;

    public override float* Host => (float*)_arena.Memory;

    public override void Dispose() => _arena.Dispose();
}
