using Iced.Intel;

namespace Mdl.Runtime.Assembly;

/// <summary>A routine under construction: instructions in order, with places to jump to.</summary>
internal sealed class MachineCode
{
    private readonly List<Instruction> _instructions = [];
    private ulong _places;
    private ulong _placeHere;

    /// <summary>Appends an instruction.</summary>
    public void Add(Instruction instruction)
    {
        instruction.IP = _placeHere;
        _placeHere = 0;
        _instructions.Add(instruction);
    }

    /// <summary>A new place, not yet anywhere.</summary>
    public ulong NewPlace() => ++_places;

    /// <summary>Puts a place in front of the next instruction; two places cannot be the same.</summary>
    public void Put(ulong place)
    {
        if (_placeHere != 0)
        {
            Add(Instruction.Create(Code.Nopd));
        }

        _placeHere = place;
    }

    /// <summary>Puts a new place in front of the next instruction.</summary>
    public ulong PlaceHere()
    {
        var place = NewPlace();
        Put(place);
        return place;
    }

    /// <summary>Appends a jump.</summary>
    public void Jump(Code code, ulong place) => Add(Instruction.CreateBranch(code, place));

    /// <summary>Encodes the routine; it may be copied to any address.</summary>
    public byte[] Encode()
    {
        var writer = new ByteWriter();
        if (!BlockEncoder.TryEncode(64, new InstructionBlock(writer, _instructions, 0), out var error, out _))
        {
            throw new InvalidOperationException($"A routine cannot be encoded: {error}");
        }

        return writer.ToArray();
    }

    private sealed class ByteWriter : CodeWriter
    {
        private readonly List<byte> _bytes = new(4096);

        public override void WriteByte(byte value) => _bytes.Add(value);

        public byte[] ToArray() => [.. _bytes];
    }
}
