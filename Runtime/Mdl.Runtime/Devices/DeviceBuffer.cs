namespace Mdl.Runtime.Devices;

/// <summary>Floats that the host and the programs of a device both read and write. On the host they are one memory; other devices keep two in step.</summary>
public abstract unsafe class DeviceBuffer : IDisposable
{
    /// <summary>Number of floats.</summary>
    public abstract long Length { get; }

    /// <summary>Bytes in the device's memory.</summary>
    public abstract long Bytes { get; }

    /// <summary>
    /// The current values, for the host to read and write until a program next runs on the device. After that the property must be read again: the
    /// address stays, but the values behind it are fetched here.
    /// </summary>
    public abstract float* Host { get; }

    /// <inheritdoc/>
    public abstract void Dispose();
}
