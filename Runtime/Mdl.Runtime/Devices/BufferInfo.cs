namespace Mdl.Runtime.Devices;

/// <summary>A buffer of a program's arena.</summary>
/// <param name="Name">The name of the field that points to it.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="First">The first step of the program that needs it.</param>
/// <param name="Last">The last step that needs it.</param>
public readonly record struct BufferInfo(string Name, long Bytes, int First, int Last);
